//! The operator's console: pages over the operator's interface, made on the server.
//!
//! In reading order, each module using only those below it:
//!
//! | module | what it does |
//! |---|---|
//! | `site` | from a request to a page, and what every answer says to a browser |
//! | `overview` | the first page |
//! | `detail` | a page of one thing, with what belongs to it and what can be done with it |
//! | `list` | a page of a list, with its search |
//! | `call` | the form of a change, and what came of it |
//! | `plots` | pictures of the interface on a page |
//! | `one` | one thing: how it is called, and what of it is short |
//! | `index` | everything that can be asked |
//! | `frame` | what is around every page |
//! | `form` | a schema as the fields of a form, and back |
//! | `desk` | what every page is made with |
//! | `shown` | a value as a reader sees it |
//! | `places` | what stands where: columns, links, what belongs together |
//! | `api` | the operator's interface, asked in this process |
//! | `document` | the document of the operator's interface |
//! | `posted` | what a browser sends of a form |
//! | `stamps` | that a form comes from a page of ours, and counts once |
//! | `assets` | style and script |
//!
//! It asks the operator's interface and nothing else, in the name of whoever asks the console: what he may, which words there are and
//! what a change takes is decided there and told by its document. So nothing can be done here only, and what is new there is here too.
//! It keeps nothing, knows no certificate and no person, and trusts nothing that it shows.

mod site;
mod overview;
mod detail;
mod list;
mod call;
mod plots;
mod one;
mod index;
mod frame;
mod form;
mod desk;
mod shown;
mod places;
mod api;
mod document;
mod posted;
mod stamps;
mod assets;

pub use frame::Refused;
pub use site::{Console, Means, SignIn, Visitor};
