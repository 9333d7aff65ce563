//! Every path, with its CRLs, by `openssl verify`.
