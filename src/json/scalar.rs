//! Values that are equal as JSON has them.

/// A text, a number or a word of JSON, as it was written. Two are equal when they mean the same: numbers by their exact
/// value, however they are written and however large they are (`1`, `1.0`, `10e-1`; `-0` is 0); texts by their UTF-16
/// units, as JavaScript has them, escaped or not and lone surrogates included.
#[derive(Clone, Copy, Debug)]
pub enum Scalar<'a> {
    /// What is between the quotes.
    Text(&'a [u8]),
    Number(Number<'a>),
    True,
    False,
    Null,
}

impl<'a> Scalar<'a> {
    /// `None` for an object, an array and what is no JSON.
    pub fn parse(token: &'a [u8]) -> Option<Self> {
        Some(match token {
            b"true" => Scalar::True,
            b"false" => Scalar::False,
            b"null" => Scalar::Null,
            [b'"', inner @ .., b'"'] => Scalar::Text(inner),
            _ => Scalar::Number(Number::parse(token)?),
        })
    }
}

impl PartialEq for Scalar<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Scalar::Text(left), Scalar::Text(right)) => same(Units(left, None), Units(right, None)),
            (Scalar::Number(left), Scalar::Number(right)) => left == right,
            (Scalar::True, Scalar::True) | (Scalar::False, Scalar::False) | (Scalar::Null, Scalar::Null) => true,
            _ => false,
        }
    }
}

/// Whether a key, which is what is between the quotes, is this name.
pub(super) fn is_called(key: &[u8], name: &str) -> bool {
    same(Units(key, None), name.encode_utf16().map(Some))
}

/// What is no text equals none.
fn same(mut left: impl Iterator<Item = Option<u16>>, mut right: impl Iterator<Item = Option<u16>>) -> bool {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(Some(one)), Some(Some(other))) if one == other => {}
            _ => return false,
        }
    }
}

/// The UTF-16 units of a text: what is left of it, and the second half of a pair. `None` for what is no text.
struct Units<'a>(&'a [u8], Option<u16>);

impl Units<'_> {
    fn escape(&mut self) -> Option<u16> {
        let (kind, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(match kind {
            b'"' | b'\\' | b'/' => (*kind).into(),
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'u' => {
                let (digits, rest) = rest.split_at_checked(4)?;
                self.0 = rest;
                let add = |sum: u16, digit: &u8| {
                    let digit = char::from(*digit).to_digit(16)?;
                    Some(sum << 4 | u16::try_from(digit).ok()?)
                };
                digits.iter().try_fold(0, add)?
            }
            _ => return None,
        })
    }

    fn character(&mut self, length: usize) -> Option<u16> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let mut units = std::str::from_utf8(bytes).ok()?.encode_utf16();
        let first = units.next();
        self.1 = units.next();
        first
    }
}

impl Iterator for Units<'_> {
    type Item = Option<u16>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(second) = self.1.take() {
            return Some(Some(second));
        }
        let (first, rest) = self.0.split_first()?;
        Some(match first {
            b'\\' => {
                self.0 = rest;
                self.escape()
            }
            0..0x80 => {
                self.0 = rest;
                Some((*first).into())
            }
            0x80..0xe0 => self.character(2),
            0xe0..0xf0 => self.character(3),
            0xf0.. => self.character(4),
        })
    }
}

/// A number as it was written, taken apart. Nothing is computed: the value is `0.digits` times ten to the power of
/// `point` and the exponent.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    negative: bool,
    /// Before and behind the point.
    digits: [&'a [u8]; 2],
    /// Zeros in front.
    skip: usize,
    /// What is between the zeros in front and those at the end; none: the number is 0.
    count: usize,
    exponent_negative: bool,
    /// Without zeros in front.
    exponent: &'a [u8],
}

/// As many digits as there are.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

impl<'a> Number<'a> {
    fn parse(token: &'a [u8]) -> Option<Self> {
        let negative = token.first() == Some(&b'-');
        let (before, mut rest) = digits(&token[usize::from(negative)..]);
        if before.is_empty() || (before.len() > 1 && before[0] == b'0') {
            return None;
        }
        let mut behind: &[u8] = &[];
        if let [b'.', fraction @ ..] = rest {
            (behind, rest) = digits(fraction);
            if behind.is_empty() {
                return None;
            }
        }
        let (mut exponent_negative, mut exponent): (bool, &[u8]) = (false, &[]);
        if let [b'e' | b'E', tail @ ..] = rest {
            exponent_negative = tail.first() == Some(&b'-');
            let signed = exponent_negative || tail.first() == Some(&b'+');
            (exponent, rest) = digits(&tail[usize::from(signed)..]);
            if exponent.is_empty() {
                return None;
            }
        }
        if !rest.is_empty() {
            return None;
        }
        let zero = |digit: &&u8| **digit == b'0';
        let all = || before.iter().chain(behind);
        let skip = all().take_while(zero).count();
        let last = all().rev().take_while(zero).count();
        let count = (before.len() + behind.len()).saturating_sub(skip + last);
        let zeros = exponent.iter().take_while(zero).count();
        let exponent = &exponent[zeros..];
        Some(Self { negative, digits: [before, behind], skip, count, exponent_negative, exponent })
    }

    fn significant(&self) -> impl Iterator<Item = &u8> {
        self.digits.iter().copied().flatten().skip(self.skip).take(self.count)
    }

    fn point(&self) -> i128 {
        self.digits[0].len() as i128 - self.skip as i128
    }

    /// A digit of the exponent, from the end, with its sign.
    fn exponent_digit(&self, place: usize) -> i128 {
        let at = self.exponent.len().checked_sub(place + 1);
        let digit = at.map_or(0, |at| i128::from(self.exponent[at] - b'0'));
        if self.exponent_negative { -digit } else { digit }
    }

    /// Whether exponent and point come to the same. The difference is summed up from the last digit on, and each place
    /// must come to 0: exponents of any length need no memory.
    fn has_the_power_of(&self, other: &Self) -> bool {
        // Beyond what the points, which are places in memory, could make good.
        if self.exponent.len().abs_diff(other.exponent.len()) > 25 {
            return false;
        }
        let mut difference = self.point() - other.point();
        for place in 0..self.exponent.len().max(other.exponent.len()) {
            difference += self.exponent_digit(place) - other.exponent_digit(place);
            if difference % 10 != 0 {
                return false;
            }
            difference /= 10;
        }
        difference == 0
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.count == 0 || other.count == 0 {
            return self.count == other.count;
        }
        self.negative == other.negative
            && self.count == other.count
            && self.has_the_power_of(other)
            && self.significant().eq(other.significant())
    }
}
