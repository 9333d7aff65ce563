//! The requests that a ceremony took up and the responses it gave, each in a file named by its nonce.
//!
//! A nonce is taken up once: a request that was answered is refused when it comes again (case R-09). One that a power cut
//! left unanswered may come again, in exactly the same octets.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ca_core::exchange::{
    ExchangeNonce, MessageError, RequestError, ResponseError, SubordinateRequest, SubordinateResponse,
};

use crate::explain::{Exit, Explained};
use crate::new_file::{self, NewFileError};

/// The name of the directory.
pub(crate) const DIRECTORY: &str = "exchanges";

/// The directory of a root's exchanges.
#[derive(Debug)]
pub(crate) struct ExchangeLog {
    path: PathBuf,
}

/// A request with the response that it was given, if it was.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) request: SubordinateRequest,
    pub(crate) response: Option<SubordinateResponse>,
}

impl ExchangeLog {
    /// Makes the directory of a new root.
    pub(crate) fn create(root: &Path) -> Result<(), NewFileError> {
        new_file::directory(&root.join(DIRECTORY))
    }

    /// Opens the directory of a root.
    pub(crate) fn open(root: &Path) -> Self {
        Self { path: root.join(DIRECTORY) }
    }

    /// Checks that a request was not answered before, and that its nonce is its own.
    pub(crate) fn check_unanswered(&self, request: &SubordinateRequest) -> Result<(), ExchangeError> {
        let nonce = *request.nonce();
        let response = self.response_path(&nonce);
        if response.try_exists().map_err(unreadable(&response))? {
            return Err(ExchangeError::Answered { nonce, response });
        }
        let path = self.request_path(&nonce);
        match fs::read_to_string(&path) {
            Ok(text) if read_request(&path, &text)?.der() == request.der() => Ok(()),
            Ok(_) => Err(ExchangeError::NonceReused { nonce }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(unreadable(&path)(cause)),
        }
    }

    /// Returns the text of the response that a request was given, if it was.
    pub(crate) fn response_to(&self, request: &SubordinateRequest) -> Result<Option<String>, ExchangeError> {
        match self.check_unanswered(request) {
            Ok(()) => Ok(None),
            Err(ExchangeError::Answered { response, .. }) => {
                fs::read_to_string(&response).map(Some).map_err(unreadable(&response))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes up a request: its nonce is used from now on.
    pub(crate) fn take_up(&self, request: &SubordinateRequest) -> Result<(), ExchangeError> {
        let path = self.request_path(request.nonce());
        match new_file::place(&path, request.to_text()?.as_bytes()) {
            // Taken up before a power cut; that it is the same one was checked.
            Err(NewFileError::Exists { .. }) => Ok(()),
            placed => Ok(placed?),
        }
    }

    /// Stores a response; returns its text.
    pub(crate) fn answer(&self, response: &SubordinateResponse) -> Result<String, ExchangeError> {
        let text = response.to_text()?;
        new_file::place(&self.response_path(&response.parts().nonce), text.as_bytes())?;
        Ok(text)
    }

    /// Reads every exchange, in the order of the nonces. What cannot be read, or stands under another name than its own,
    /// is an error of its own.
    pub(crate) fn exchanges(&self) -> Result<Vec<Result<Exchange, ExchangeError>>, ExchangeError> {
        let mut exchanges = Vec::new();
        let mut paths = Vec::new();
        for file in fs::read_dir(&self.path).map_err(unreadable(&self.path))? {
            let path = file.map_err(unreadable(&self.path))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if new_file::is_aside(&name) {
                continue;
            }
            paths.push(path);
        }
        paths.sort_unstable();
        for path in &paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(REQUEST) {
                exchanges.push(self.exchange(path));
            } else if !paths.contains(&path.with_file_name(name.replace(RESPONSE, REQUEST))) {
                exchanges.push(Err(ExchangeError::Misplaced { path: path.clone() }));
            }
        }
        Ok(exchanges)
    }

    fn exchange(&self, path: &Path) -> Result<Exchange, ExchangeError> {
        let text = fs::read_to_string(path).map_err(unreadable(path))?;
        let request = read_request(path, &text)?;
        if self.request_path(request.nonce()) != path {
            return Err(ExchangeError::Misplaced { path: path.to_owned() });
        }
        if request.to_text()? != text {
            return Err(ExchangeError::LinesDiffer { path: path.to_owned() });
        }
        let response = self.response_path(request.nonce());
        let response = match fs::read_to_string(&response) {
            Ok(text) => Some(read_response(response, &text)?),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => return Err(unreadable(&response)(cause)),
        };
        Ok(Exchange { request, response })
    }

    fn request_path(&self, nonce: &ExchangeNonce) -> PathBuf {
        self.path.join(format!("{nonce}{REQUEST}"))
    }

    fn response_path(&self, nonce: &ExchangeNonce) -> PathBuf {
        self.path.join(format!("{nonce}{RESPONSE}"))
    }
}

const REQUEST: &str = ".request.pem";
const RESPONSE: &str = ".response.pem";

fn read_request(path: &Path, text: &str) -> Result<SubordinateRequest, ExchangeError> {
    SubordinateRequest::from_text(text)
        .map_err(|cause| ExchangeError::Request { path: path.to_owned(), cause })
}

fn read_response(path: PathBuf, text: &str) -> Result<SubordinateResponse, ExchangeError> {
    match SubordinateResponse::from_text(text) {
        Ok(response) if response.to_text()? == text => Ok(response),
        Ok(_) => Err(ExchangeError::LinesDiffer { path }),
        Err(cause) => Err(ExchangeError::Response { path, cause }),
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> ExchangeError {
    let path = path.to_owned();
    move |cause| ExchangeError::Unreadable { path: path.clone(), cause }
}

/// Why an exchange cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    /// The request was answered before.
    #[error("the request with nonce {nonce} was answered before; requests are answered once")]
    Answered {
        /// Its nonce.
        nonce: ExchangeNonce,
        /// Where the answer is.
        response: PathBuf,
    },
    /// Another request had the same nonce.
    #[error("another request had the nonce {nonce}; a nonce is used once")]
    NonceReused {
        /// The nonce.
        nonce: ExchangeNonce,
    },
    /// The operating system refuses.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// A stored request is not as it was written.
    #[error("the stored request {path} was altered: {cause}", path = path.display())]
    Request {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: RequestError,
    },
    /// A stored response is not as it was written.
    #[error("the stored response {path} was altered: {cause}", path = path.display())]
    Response {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: ResponseError,
    },
    /// The lines for readers are not those of the message.
    #[error("the lines for readers in {path} are not those of its message", path = path.display())]
    LinesDiffer {
        /// The file.
        path: PathBuf,
    },
    /// A file that does not belong there.
    #[error("{path} is not named by the nonce of a request that is there", path = path.display())]
    Misplaced {
        /// The file.
        path: PathBuf,
    },
    /// A message cannot be written as text.
    #[error(transparent)]
    Text(#[from] MessageError),
    /// A file could not be stored.
    #[error(transparent)]
    NotStored(#[from] NewFileError),
}

impl Explained for ExchangeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Answered { .. } | Self::NonceReused { .. } => Exit::Conflict,
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::Request { .. }
            | Self::Response { .. }
            | Self::LinesDiffer { .. }
            | Self::Misplaced { .. } => Exit::Integrity,
            Self::Text(_) => Exit::Failed,
            Self::NotStored(error) => error.exit(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Answered { .. } => "exchange.answered",
            Self::NonceReused { .. } => "exchange.nonce-reused",
            Self::Unreadable { .. } => "file.unreadable",
            Self::Request { .. }
            | Self::Response { .. }
            | Self::LinesDiffer { .. }
            | Self::Misplaced { .. } => "exchange.altered",
            Self::Text(error) => error.code(),
            Self::NotStored(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Answered { response, .. } => format!(
                "if the answer was lost on its way, copy it from {}; otherwise have a new request made",
                response.display()
            ),
            Self::NonceReused { .. } => {
                "have a new request made, and ask where this one comes from".to_owned()
            }
            Self::Unreadable { .. } | Self::Text(_) => "check the disk and --dir".to_owned(),
            Self::Request { .. }
            | Self::Response { .. }
            | Self::LinesDiffer { .. }
            | Self::Misplaced { .. } => {
                "stop, sign nothing, and compare the directory with its copies".to_owned()
            }
            Self::NotStored(error) => error.next(),
        }
    }
}
