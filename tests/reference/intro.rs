//! What the reference says in front of the classes.

pub const RUSSIAN: &str = "\
# Справочник: компонента для 1С:Предприятия

[In English](reference.en.md). Страница построена по таблицам самой библиотеки. Подробнее – на [страницах по темам](ru/index.md)
(переподключение, имена, доступ, TLS) и в [руководстве для 1С](1c/index.md) (установка, события, неполадки); готовые модули – в
[примерах](../examples/1c).

## Общие правила

| что | как |
|---|---|
| имена | каждое – на двух языках, регистр букв не важен |
| процедура или функция | любой метод можно вызвать и так, и так; метод, у которого результат не указан, возвращает `Истина` |
| асинхронный вызов | обработчик `НачатьВызов…` у любого метода первым параметром получает результат |
| ошибка | вызывает исключение; её текст – в `ОписаниеОшибки()`, код – в `КодОшибки` |
| время | в миллисекундах; для параметра `Таймаут` 0 – ждать без ограничения, отрицательное значение – не ждать |
| числа | только целые |
| `Неопределено` | вместо необязательного параметра – то же, что его пропуск |
| параметр «выход» | метод заполняет его сам |

### Где вызывать

| где | как |
|---|---|
| тонкий и толстый клиент | внешние события либо `Получить(-1, …)` в обработчике ожидания |
| там, где синхронные вызовы запрещены | `НачатьВызов…` или `…Асинх` |
| фоновое задание на сервере | `Получить(1000, …)` в цикле, а не `Получить(0, …)`: между вызовами задание можно отменить |
| веб-клиент, мобильные приложения | компоненты нет ([что вместо неё](1c/install.md#где-компоненты-нет)) |

### Внешние события

Свойство `ВнешниеСобытия` включает их в клиентском приложении. На сервере 1С и во внешнем соединении внешних событий нет, включить
их нельзя.

| режим | что приходит | `Получить` и `ПолучитьСобытие` |
|---|---|---|
| `data` | событие вместе с данными | вызывают исключение |
| `doorbell` | только `doorbell`: в очереди что-то есть | вызывайте в цикле, пока не вернут `Ложь` |

`doorbell` приходит, когда очередь перестаёт быть пустой, и ещё раз, если после `Получить` что-то осталось: одно событие на всю пачку.

| событие | данные у клиента |
|---|---|
| `open`, `close` | [JSON](#json) |
| `message` | текст как есть |
| `binary` | двоичные данные в Base64 |
| `text64` | Base64 текста в UTF-8: так приходит текст, в котором есть символ с кодом 0 |
| `error` | текст ошибки |
| `drained`, `doorbell` | пусто |

У сервера бывают ещё `pending` и `expired`, а данные – всегда JSON: первое поле `id` – номер соединения. Если очередь событий
приложения заполнена, событие остаётся в компоненте и предлагается снова: ничего не теряется, порядок сохраняется.

### Когда действуют свойства

Задавать их можно в любом состоянии.

| свойства | действуют |
|---|---|
| `ТаймаутОтправки`, `ТаймаутЗакрытия`, `ИнтервалПинга`, `ТаймаутОтветаНаПинг` | сразу |
| переподключение, внешние события, журнал | сразу |
| пределы очередей | сразу; уменьшение ничего не отбрасывает |
| у сервера: токен, источники, лимиты, ручное подтверждение | сразу, для новых соединений |
| остальные | при следующем подключении, переподключении или запуске сервера |
";

pub const ENGLISH: &str = "\
# Reference: the add-in for 1C:Enterprise

[По-русски](reference.ru.md). This page is made of the library's own tables. The [pages by topic](en/index.md) have more on
reconnection, names, access and TLS, the [examples](../examples/1c) have whole modules.

## Common rules

| what | how |
|---|---|
| names | each in two languages, in any case |
| procedure or function | every method can be called as both; one without a result in this page returns True |
| asynchronous call | the handler of `НачатьВызов…` gets the result of any method as its first parameter |
| an error | raises an exception; its text is in `ErrorDescription()`, its number in `ErrorCode` |
| times | in milliseconds; for a parameter `Timeout` 0 waits without limit, a negative value does not wait |
| numbers | whole ones only |
| `Undefined` | in place of an optional parameter is the same as leaving it out |
| a parameter marked “out” | is filled in by the method |

### Where to call

| where | how |
|---|---|
| thin and thick client | external events, or `Receive(-1, …)` in an idle handler |
| where synchronous calls are forbidden | `НачатьВызов…` or `…Асинх` |
| a job on the server | `Receive(1000, …)` in a loop rather than `Receive(0, …)`: between calls it can be cancelled |
| web client, mobile applications | have no add-in; a page there uses the browser's own WebSocket |

### External events

`ExternalEvents` switches them on in a client application. On a 1C server and in an external connection there are none, and switching
them on is an error.

| mode | what comes | `Receive` and `ReceiveEvent` |
|---|---|---|
| `data` | the event with its data | raise an exception |
| `doorbell` | only `doorbell`: something is in the queue | call them in a loop until they return False |

`doorbell` comes when the queue is no longer empty, and again if something is left after a `Receive`: one event for the whole batch.

| event | a client's data |
|---|---|
| `open`, `close` | [JSON](#json) |
| `message` | a text as it is |
| `binary` | binary data in Base64 |
| `text64` | Base64 of a text in UTF-8: for a text that holds a character with the code 0 |
| `error` | the text of the error |
| `drained`, `doorbell` | nothing |

A server also has `pending` and `expired`, and its data is always JSON whose first field `id` is the connection's. An event that the
application's full queue refuses stays here and is offered again: nothing is lost, order is kept.

### When properties act

They can be set in any state.

| properties | act |
|---|---|
| `SendTimeout`, `CloseTimeout`, `PingInterval`, `PongTimeout` | at once |
| reconnection, external events, log | at once |
| bounds of queues | at once; a smaller one drops nothing |
| a server's token, origins, limits, manual acceptance | at once, for new connections |
| the others | at the next connect, reconnection or run |
";
