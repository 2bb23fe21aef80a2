//! The form of the table of errors: a name, a code, the English and the Russian text.

use super::parts::Code;

pub(super) struct Row {
    pub code: Code,
    pub en: &'static str,
    pub ru: &'static str,
}

macro_rules! table {
    ($($id:ident $code:ident $en:literal $ru:literal;)*) => {
        /// The rows of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Id { $($id),* }

        impl Id {
            /// Every row, for the tests and the reference pages.
            pub const ALL: &'static [Id] = &[$(Id::$id),*];

            fn row(self) -> &'static Row {
                match self { $(Id::$id => const { &Row { code: Code::$code, en: $en, ru: $ru } }),* }
            }

            /// The two templates, English and Russian.
            pub fn templates(self) -> (&'static str, &'static str) {
                (self.row().en, self.row().ru)
            }
        }
    };
}
pub(super) use table;
