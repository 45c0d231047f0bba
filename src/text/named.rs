//! Enums whose values have names in flags and files.
//!
//! A macro of our own instead of `strum`: the names stand in files that stay readable for years, so they are written out
//! and not derived from identifiers; and with `strum` the error that suggests the nearest name would still be a function
//! by hand for each enum, beside a crate more to build.

/// Declares an enum with a name for each value, in one list, with `name()` and `Display`.
///
/// After the list `listed` adds `ALL`, the values in their order; `parsed "no metric is called"` adds `ALL` and
/// `FromStr`, whose error begins with that text, suggests the nearest name and lists all.
macro_rules! named {
    ($(#[$about:meta])* $vis:vis enum $Enum:ident { $($values:tt)+ } parsed $no_such:literal) => {
        $crate::text::named::named! { $(#[$about])* $vis enum $Enum { $($values)+ } listed }

        impl std::str::FromStr for $Enum {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.into_iter().find(|value| value.name() == text).ok_or_else(|| {
                    let names = Self::ALL.map(Self::name);
                    let suggestion = $crate::text::nearest::did_you_mean(text, names);
                    format!(concat!($no_such, " '{}'{}: name one of {}"), text, suggestion, names.join(", "))
                })
            }
        }
    };
    ($(#[$about:meta])* $vis:vis enum $Enum:ident {
        $($(#[$doc:meta])* $Value:ident = $name:literal),+ $(,)?
    } listed) => {
        $crate::text::named::named! { $(#[$about])* $vis enum $Enum { $($(#[$doc])* $Value = $name),+ } }

        impl $Enum {
            /// All values, in their order.
            $vis const ALL: [Self; [$($name),+].len()] = [$(Self::$Value),+];
        }
    };
    ($(#[$about:meta])* $vis:vis enum $Enum:ident { $($(#[$doc:meta])* $Value:ident = $name:literal),+ $(,)? }) => {
        $(#[$about])*
        $vis enum $Enum {
            $($(#[$doc])* $Value,)+
        }

        impl $Enum {
            /// The name in flags and files.
            $vis const fn name(self) -> &'static str {
                match self {
                    $(Self::$Value => $name,)+
                }
            }
        }

        impl std::fmt::Display for $Enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(crate) use named;

#[cfg(test)]
mod tests {

    named! {
        /// For these tests.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Fruit {
            /// Red.
            Apple = "apple",
            /// Yellow, with another name than its identifier gives.
            Banana = "ba-na-na",
        }
        parsed "no fruit is called"
    }

    #[test]
    fn a_value_is_read_by_its_name_and_shown_with_it() {
        assert_eq!(Fruit::ALL, [Fruit::Apple, Fruit::Banana]);
        assert_eq!(("apple".parse(), "ba-na-na".parse()), (Ok(Fruit::Apple), Ok(Fruit::Banana)));
        assert_eq!(format!("{:<9}|{}", Fruit::Banana, Fruit::Apple.name()), "ba-na-na |apple");
    }

    #[test]
    fn a_wrong_name_gets_the_nearest_one_and_all() {
        let error = |text: &str| text.parse::<Fruit>();
        let expected = "no fruit is called 'aple' (did you mean 'apple'?): name one of apple, ba-na-na";
        assert_eq!(error("aple"), Err(expected.to_owned()));
        assert_eq!(error("xyzzy"), Err("no fruit is called 'xyzzy': name one of apple, ba-na-na".to_owned()));
    }
}
