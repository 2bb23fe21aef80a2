# An echo server with Mojolicious, which keeps its compression context whatever it is asked for; prints `port NUMBER NAME`,
# then `ready`, and ends with its standard input.
use Mojolicious::Lite -signatures;
use Mojo::IOLoop;
use Mojo::Server::Daemon;

app->log->level('error');
websocket '/' => sub ($c) {
    my $tx = $c->tx;
    $c->inactivity_timeout(0);
    $tx->max_websocket_size(64 << 20);
    $tx->with_compression;
    $c->rendered(101);
    $tx->on(text => sub ($tx, $bytes) { $tx->send({text => $bytes}) });
    $tx->on(binary => sub ($tx, $bytes) { $tx->send({binary => $bytes}) });
};

my $daemon = Mojo::Server::Daemon->new(app => app, listen => ['http://127.0.0.1'], silent => 1)->start;
$| = 1;
print "port ", $daemon->ports->[0], " Mojolicious ", Mojolicious->VERSION, "\nready\n";
my $reactor = Mojo::IOLoop->singleton->reactor;
$reactor->io(\*STDIN => sub { Mojo::IOLoop->stop unless sysread STDIN, my $typed, 4096 })->watch(\*STDIN, 1, 0);
Mojo::IOLoop->start;
