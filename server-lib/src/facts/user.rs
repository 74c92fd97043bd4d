//! Who was affected, as a number: enough to count people and to find a person's events, without
//! keeping who it was in the index.

use std::fmt;
use std::net::IpAddr;

use twox_hash::XxHash3_64;

use super::ScannedUser;

/// A person, by the strongest thing that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identity<'a> {
    /// The program's own identifier.
    Id(&'a str),
    /// An e-mail address.
    Email(&'a str),
    /// A login name.
    Username(&'a str),
    /// An internet address.
    Address(IpAddr),
    /// The `did` of a session.
    Session(&'a str),
}

impl Identity<'_> {
    /// Returns the number of the person. It is the same in every version and on every machine,
    /// because rows keep it.
    #[must_use]
    pub fn hash(self) -> i64 {
        let mut text = String::with_capacity(64);
        let (prefix, value) = match self {
            Self::Id(id) => ("id:", id),
            Self::Email(email) => {
                text.push_str("email:");
                text.extend(email.trim().chars().flat_map(char::to_lowercase));
                return number(&text);
            }
            Self::Username(name) => ("username:", name),
            Self::Address(address) => {
                text.push_str("ip:");
                text.push_str(&address.to_canonical().to_string());
                return number(&text);
            }
            Self::Session(did) => ("did:", did),
        };
        text.push_str(prefix);
        text.push_str(value.trim());
        number(&text)
    }
}

impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id:{id}"),
            Self::Email(email) => write!(f, "email:{email}"),
            Self::Username(name) => write!(f, "username:{name}"),
            Self::Address(address) => write!(f, "ip:{address}"),
            Self::Session(did) => write!(f, "did:{did}"),
        }
    }
}

impl ScannedUser<'_> {
    /// Returns the address; one of `{{auto}}`, and a missing one, stand for the sender's.
    #[must_use]
    pub fn address(&self, client_ip: Option<IpAddr>) -> Option<IpAddr> {
        match self.ip_address.as_deref().map(str::trim) {
            None | Some("" | AUTO_ADDRESS) => client_ip,
            Some(text) => text.parse().ok(),
        }
    }

    /// Returns who it is: by id, else e-mail address, login name, or internet address. An address
    /// of `{{auto}}`, and a missing one, stand for the sender's.
    #[must_use]
    pub fn identity(&self, client_ip: Option<IpAddr>) -> Option<Identity<'_>> {
        let told = |text: &'_ Option<std::borrow::Cow<'_, str>>| {
            text.as_deref().is_some_and(|text| !text.trim().is_empty())
        };
        if told(&self.id) {
            return self.id.as_deref().map(Identity::Id);
        }
        if told(&self.email) {
            return self.email.as_deref().map(Identity::Email);
        }
        if told(&self.username) {
            return self.username.as_deref().map(Identity::Username);
        }
        self.address(client_ip).map(Identity::Address)
    }
}

/// What SDKs write for the address of whoever sends.
pub const AUTO_ADDRESS: &str = "{{auto}}";

fn number(text: &str) -> i64 {
    i64::from_le_bytes(XxHash3_64::oneshot(text.as_bytes()).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_people_never_change() {
        assert_eq!(Identity::Id("42").hash(), Identity::Id(" 42 ").hash());
        assert_ne!(Identity::Id("42").hash(), Identity::Username("42").hash());
        assert_eq!(
            Identity::Email("A@Example.com").hash(),
            Identity::Email("a@example.com").hash()
        );
        // As the reference implementation of XXH3 hashes "id:42".
        assert_eq!(Identity::Id("42").hash(), 8_722_925_534_319_834_433);
    }

    #[test]
    fn an_automatic_address_is_the_senders_and_any_name_is_stronger() {
        let sender: IpAddr = "192.0.2.7".parse().unwrap();
        let mut user = ScannedUser {
            ip_address: Some(AUTO_ADDRESS.into()),
            ..ScannedUser::default()
        };
        assert_eq!(user.identity(Some(sender)), Some(Identity::Address(sender)));
        assert_eq!(user.identity(None), None);
        user.username = Some("user-42".into());
        user.id = Some("".into());
        assert_eq!(
            user.identity(Some(sender)),
            Some(Identity::Username("user-42"))
        );
    }
}
