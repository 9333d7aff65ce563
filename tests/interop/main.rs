//! What the system makes, judged by programs that others wrote.

mod paths;
