//! Every row reads back as it was written, and octets that are not one are refused.
