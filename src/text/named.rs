//! Enums whose values have names in flags and files.
//!
//! A macro instead of the crate `strum`: the names are part of file formats that must stay readable, so they are
//! written out rather than derived from identifiers, and `strum` would not suggest the nearest name in errors.

/// Declares an enum together with the name of each value, and implements `name()` and `Display` for it.
///
/// Write `listed` after the closing brace to add `ALL`, the values in order. Write `parsed "unknown metric"` to add
/// `ALL` and `FromStr`, whose error starts with that text, suggests the nearest name and lists all names.
macro_rules! named {
    ($(#[$about:meta])* $vis:vis enum $Enum:ident { $($values:tt)+ } parsed $no_such:literal) => {
        $crate::text::named::named! { $(#[$about])* $vis enum $Enum { $($values)+ } listed }

        impl std::str::FromStr for $Enum {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.into_iter().find(|value| value.name() == text).ok_or_else(|| {
                    let names = Self::ALL.map(Self::name);
                    let suggestion = $crate::text::nearest::did_you_mean(text, names);
                    format!(concat!($no_such, " '{}'{}: use one of {}"), text, suggestion, names.join(", "))
                })
            }
        }
    };
    ($(#[$about:meta])* $vis:vis enum $Enum:ident {
        $($(#[$doc:meta])* $Value:ident = $name:literal),+ $(,)?
    } listed) => {
        $crate::text::named::named! { $(#[$about])* $vis enum $Enum { $($(#[$doc])* $Value = $name),+ } }

        impl $Enum {
            /// All values in the order of their declaration.
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
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Fruit {
            Apple = "apple",
            /// A value whose name differs from its identifier in lowercase.
            Banana = "ba-na-na",
        }
        parsed "unknown fruit"
    }

    #[test]
    fn values_are_parsed_from_and_displayed_as_their_names() {
        assert_eq!(Fruit::ALL, [Fruit::Apple, Fruit::Banana]);
        assert_eq!(("apple".parse(), "ba-na-na".parse()), (Ok(Fruit::Apple), Ok(Fruit::Banana)));
        assert_eq!(format!("{:<9}|{}", Fruit::Banana, Fruit::Apple.name()), "ba-na-na |apple");
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion_and_the_list_of_names() {
        let error = |text: &str| text.parse::<Fruit>();
        let expected = "unknown fruit 'aple' (did you mean 'apple'?): use one of apple, ba-na-na";
        assert_eq!(error("aple"), Err(expected.to_owned()));
        assert_eq!(error("xyzzy"), Err("unknown fruit 'xyzzy': use one of apple, ba-na-na".to_owned()));
    }
}
