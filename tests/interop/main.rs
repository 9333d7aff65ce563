//! What the system makes and takes, judged by programs that others wrote: OpenSSL, GnuTLS, strongSwan, libcoap, curl, pkilint,
//! Gurux.

mod chapters;
mod chosen;
mod cmp_client;
mod cmp;
mod cmp_coaps;
mod coaps;
mod csr_attributes;
mod dlms_requests;
mod est_clients;
mod gurux;
mod lint;
mod ocsp_files;
mod optional_operations;
mod suspended;
mod paths;
mod python;
mod relying;
mod requests;
mod scopes;
mod stapled;
mod status;
