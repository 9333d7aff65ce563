//! What the system makes and takes, judged by programs that others wrote: OpenSSL, GnuTLS, strongSwan, curl, pkilint.

mod chosen;
mod est_clients;
mod lint;
mod paths;
mod relying;
mod requests;
mod status;
