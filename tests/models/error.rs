//! As much of the library's errors as the pieces name.

#[derive(Debug, PartialEq, Eq)]
pub enum Id {
    Cancelled,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Error(Id);

impl Error {
    pub fn of(id: Id) -> Self {
        Self(id)
    }
}

pub type Result<T> = std::result::Result<T, Error>;
