//! AES as CMS uses it: key wrap (RFC 3394, RFC 3565 §2.3.2) and CBC (RFC 3565 §4.1), with keys of one length for both.
//!
//! CBC, because that is what the content of `EnvelopedData` is under; what is inside is signed, or authenticated by what follows.

use aes::cipher::block_padding::{Padding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes256};
use aes_kw::AesKw;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911;
use zeroize::Zeroizing;

/// How many octets key wrap adds.
const WRAP_OCTETS: usize = 8;
/// Octets of a block, and of an initialisation vector.
pub(crate) const BLOCK_OCTETS: usize = 16;

/// How the content key is wrapped, and with keys of which length all is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWrap {
    /// AES-128.
    Aes128,
    /// AES-256.
    Aes256,
}

impl KeyWrap {
    const ALL: [Self; 2] = [Self::Aes256, Self::Aes128];

    /// Chooses the stronger of those that a recipient names; AES-256 where it names none.
    #[must_use]
    pub fn choose(capabilities: &[ObjectIdentifier]) -> Option<Self> {
        Self::ALL.into_iter().find(|wrap| capabilities.is_empty() || capabilities.contains(&wrap.oid()))
    }

    /// Returns the length of its keys, in bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        match self {
            Self::Aes128 => 128,
            Self::Aes256 => 256,
        }
    }

    pub(crate) const fn octets(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }

    /// id-aes128-wrap, id-aes256-wrap.
    pub(crate) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => rfc5911::ID_AES_128_WRAP,
            Self::Aes256 => rfc5911::ID_AES_256_WRAP,
        }
    }

    /// id-aes128-CBC, id-aes256-CBC.
    pub(crate) const fn content_encryption(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => rfc5911::ID_AES_128_CBC,
            Self::Aes256 => rfc5911::ID_AES_256_CBC,
        }
    }

    pub(crate) fn by_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|wrap| wrap.oid() == oid)
    }

    pub(crate) fn by_content_encryption(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|wrap| wrap.content_encryption() == oid)
    }

    pub(crate) fn wrap(self, key: &[u8], content_key: &[u8]) -> Option<Vec<u8>> {
        let mut out = vec![0; content_key.len().checked_add(WRAP_OCTETS)?];
        match self {
            Self::Aes128 => {
                AesKw::<Aes128>::new_from_slice(key).ok()?.wrap_key(content_key, &mut out).map(|_| ())
            }
            Self::Aes256 => {
                AesKw::<Aes256>::new_from_slice(key).ok()?.wrap_key(content_key, &mut out).map(|_| ())
            }
        }
        .ok()?;
        Some(out)
    }

    /// `None` where the key is another, or the content key was altered.
    pub(crate) fn unwrap(self, key: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(vec![0; wrapped.len().checked_sub(WRAP_OCTETS)?]);
        match self {
            Self::Aes128 => {
                AesKw::<Aes128>::new_from_slice(key).ok()?.unwrap_key(wrapped, &mut out).map(|_| ())
            }
            Self::Aes256 => {
                AesKw::<Aes256>::new_from_slice(key).ok()?.unwrap_key(wrapped, &mut out).map(|_| ())
            }
        }
        .ok()?;
        Some(out)
    }

    pub(crate) fn encrypt(self, key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>> {
        self.chain::<Pkcs7>(key, iv, content)
    }

    pub(crate) fn decrypt(self, key: &[u8], iv: &[u8], content: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.unchain::<Pkcs7>(key, iv, content)
    }

    /// Encrypts in CBC with this padding.
    pub(crate) fn chain<P: Padding>(self, key: &[u8], iv: &[u8], octets: &[u8]) -> Option<Vec<u8>> {
        Some(match self {
            Self::Aes128 => {
                cbc::Encryptor::<Aes128>::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<P>(octets)
            }
            Self::Aes256 => {
                cbc::Encryptor::<Aes256>::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<P>(octets)
            }
        })
    }

    /// Decrypts in CBC with this padding.
    pub(crate) fn unchain<P: Padding>(
        self,
        key: &[u8],
        iv: &[u8],
        octets: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Aes128 => {
                cbc::Decryptor::<Aes128>::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<P>(octets)
            }
            Self::Aes256 => {
                cbc::Decryptor::<Aes256>::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<P>(octets)
            }
        }
        .map(Zeroizing::new)
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stronger_of_what_a_recipient_names_is_chosen_and_aes_256_where_it_names_none() {
        let (weak, strong) = (KeyWrap::Aes128.oid(), KeyWrap::Aes256.oid());
        for (named, chosen) in [
            (&[][..], Some(KeyWrap::Aes256)),
            (&[weak], Some(KeyWrap::Aes128)),
            (&[weak, strong], Some(KeyWrap::Aes256)),
            (&[rfc5911::ID_AES_128_CBC], None),
        ] {
            assert_eq!(KeyWrap::choose(named), chosen, "{named:?}");
        }
    }
}
