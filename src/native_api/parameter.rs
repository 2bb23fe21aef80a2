//! A parameter of a method, in the method's table.

/// What an optional parameter is when it is not given.
#[derive(Clone, Copy, Debug)]
pub enum Omitted {
    Int(i64),
    Bool(bool),
    Text(&'static str),
}

/// A parameter; the names are for error texts and the reference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub ru: &'static str,
    pub en: &'static str,
    pub omitted: Option<Omitted>,
    pub out: bool,
}

pub(super) const fn req(ru: &'static str, en: &'static str) -> Parameter {
    Parameter { ru, en, omitted: None, out: false }
}

pub(super) const fn opt(ru: &'static str, en: &'static str, omitted: Omitted) -> Parameter {
    Parameter { ru, en, omitted: Some(omitted), out: false }
}

pub(super) const fn out(ru: &'static str, en: &'static str) -> Parameter {
    Parameter { ru, en, omitted: None, out: true }
}
