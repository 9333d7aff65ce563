//! Pushes to a folder, and to a store of others (moto) over the network; two nodes at once.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ca_core::ports::Unavailable;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use status_server::publish::CrlFolder;
use status_server::repository::crl_path;
use tempfile::TempDir;

use super::*;
use crate::releases::tests::Root;
use crate::web::{self, WebPlace};

struct NoChance;

impl Entropy for NoChance {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        octets.fill(0);
        Ok(())
    }
}

/// A node: a repository of its own for the one root.
struct Node {
    _place: TempDir,
    repository: Arc<Repository>,
    path: String,
}

impl Node {
    fn of(root: &Root) -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = CrlFolder::open(place.path()).unwrap();
        let repository = Arc::new(Repository::new(folder, &[root.issuer()]));
        Self { _place: place, repository, path: crl_path(&root.issuer().key()) }
    }

    /// Publishes here, and returns the document.
    fn publish(&self, root: &Root, crl: &[u8]) -> Arc<Document> {
        self.repository.publish(&root.issuer().key(), crl).unwrap();
        self.repository.document(&self.path).unwrap()
    }

    fn pusher(&self, target: Target) -> Pusher {
        Pusher::new(target, Arc::clone(&self.repository), Arc::new(NoChance), &Metrics::new("test_"))
    }

    async fn put(&self, target: &Target, document: &Arc<Document>) -> Result<Pushed, PushError> {
        target.put(&self.repository, &self.path, document).await
    }
}

/// A store of others, ended with the test.
struct Moto {
    process: Child,
    endpoint: String,
    files: TempDir,
}

impl Moto {
    fn start() -> Self {
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program())
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let line =
            said.find(|line| line.contains("Running on http://")).expect("moto tells where it listens");
        let endpoint = line.split_whitespace().last().unwrap().to_owned();
        // What it says of each request is read, lest it waits.
        std::thread::spawn(move || said.for_each(drop));
        Self { process, endpoint, files: tempfile::tempdir().unwrap() }
    }

    async fn with_bucket() -> Self {
        let moto = Self::start();
        assert_eq!(moto.ask(Method::PUT, "/crls").await.0, StatusCode::OK);
        moto
    }

    async fn ask(&self, method: Method, path: &str) -> (StatusCode, hyper::HeaderMap, Bytes) {
        let place = WebPlace::parse(&format!("{}{path}", self.endpoint)).unwrap();
        // moto takes any word for a signature, and none for a stranger.
        let request =
            Request::builder().method(method).uri(place.target()).header("authorization", "AWS test:test");
        let request = request.body(Full::new(Bytes::new()));
        let answer = web::send(&place, None, request.unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        (head.status, head.headers, body.collect().await.unwrap().to_bytes())
    }

    fn credentials(&self, mode: u32) -> PathBuf {
        let file = self.files.path().join("credentials.toml");
        fs::write(&file, "access_key = \"test\"\nsecret_key = \"test\"\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    fn target(&self) -> Target {
        store(&self.endpoint, self.credentials(0o600))
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Where `tests/run tools` puts it, or wherever else it is installed.
fn program() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/moto/bin");
    let elsewhere = std::env::var_os("METER_PKI_MOTO").map(PathBuf::from);
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = elsewhere.into_iter().chain([own]).chain(std::env::split_paths(&in_path));
    let found = folders.map(|folder| folder.join("moto_server")).find(|program| program.is_file());
    found.expect("moto is missing: install it with `tests/run tools`")
}

fn store(endpoint: &str, credentials_file: PathBuf) -> Target {
    let (bucket, region) = ("crls".to_owned(), "us-east-1".to_owned());
    let (endpoint, prefix) = (endpoint.to_owned(), "pki/".to_owned());
    let place = StorePlace { endpoint, bucket, region, prefix, credentials_file };
    Target::Store(Box::new(Store::new(&place, None).unwrap()))
}

#[tokio::test]
async fn a_store_gets_every_document_with_its_type_and_readers_get_it_back() {
    let (root, moto) = (Root::new("Root"), Moto::with_bucket().await);
    let node = Node::of(&root);
    let crl = root.crl(7, 0, 50);
    node.publish(&root, &crl);
    let pusher = node.pusher(moto.target());
    pusher.round().await;
    assert!(matches!(pusher.condition(), Condition::Well), "{:?}", pusher.condition());
    for (path, document) in node.repository.documents() {
        let (status, fields, octets) = moto.ask(Method::GET, &format!("/crls/pki{path}")).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(fields["content-type"], document.media_type());
        assert_eq!(fields["x-amz-meta-rank"], document.rank().to_string().as_str());
        assert_eq!(octets.len(), usize::try_from(document.content().length()).unwrap());
    }
    let (.., octets) = moto.ask(Method::GET, &format!("/crls/pki{}", node.path)).await;
    assert_eq!(octets, crl);
}

// L-03: compare-and-swap, exactly one wins, and never an older over a newer.
#[tokio::test(flavor = "multi_thread")]
async fn l_03_of_two_nodes_that_push_one_number_exactly_one_wins() {
    let (root, moto) = (Root::new("Root"), Moto::with_bucket().await);
    for number in 1..=5 {
        let nodes = [Node::of(&root), Node::of(&root)];
        // One number, and two lists: by another nextUpdate.
        let documents = [50, 51].map(|end| root.crl(number, 0, end));
        let documents = [nodes[0].publish(&root, &documents[0]), nodes[1].publish(&root, &documents[1])];
        let targets = [moto.target(), moto.target()];
        let (one, other) =
            tokio::join!(nodes[0].put(&targets[0], &documents[0]), nodes[1].put(&targets[1], &documents[1]));
        let won = [&one, &other].map(|outcome| matches!(outcome, Ok(Pushed::Put)));
        assert!(won[0] != won[1], "{one:?} {other:?}");
        assert!([&one, &other].iter().any(|outcome| matches!(outcome, Err(PushError::Conflict))));
        let (_, fields, _) = moto.ask(Method::HEAD, &format!("/crls/pki{}", nodes[0].path)).await;
        let winner = &documents[usize::from(won[1])];
        assert_eq!(fields["x-amz-meta-sha256"], hex::encode(winner.content().sha256()).as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l_03_whoever_is_faster_the_newest_stays() {
    let (root, moto) = (Root::new("Root"), Moto::with_bucket().await);
    let nodes: Vec<Node> = (0..6).map(|_| Node::of(&root)).collect();
    let mut pushes = tokio::task::JoinSet::new();
    let path = nodes[0].path.clone();
    let targets: Vec<Target> = nodes.iter().map(|_| moto.target()).collect();
    for (number, (node, target)) in (1..).zip(nodes.into_iter().zip(targets)) {
        let document = node.publish(&root, &root.crl(number, 0, 50));
        pushes.spawn(async move { (number, node.put(&target, &document).await) });
    }
    while let Some(pushed) = pushes.join_next().await {
        let (number, outcome) = pushed.unwrap();
        match outcome {
            Ok(Pushed::Put | Pushed::Overtaken) => {}
            // The others were faster five times; a pusher comes again.
            Err(PushError::Crowded) if number < 6 => {}
            other => panic!("{number}: {other:?}"),
        }
    }
    let (_, fields, _) = moto.ask(Method::HEAD, &format!("/crls/pki{path}")).await;
    assert_eq!(fields["x-amz-meta-rank"], "6");
}

#[tokio::test]
async fn an_older_document_never_takes_the_place_of_a_newer_one() {
    let (root, moto) = (Root::new("Root"), Moto::with_bucket().await);
    let folder = tempfile::tempdir().unwrap();
    for target in [moto.target(), Target::Folder(Folder::at(folder.path()))] {
        let (newer, older) = (Node::of(&root), Node::of(&root));
        let (ninth, eighth) =
            (newer.publish(&root, &root.crl(9, 0, 50)), older.publish(&root, &root.crl(8, 0, 50)));
        assert_eq!(newer.put(&target, &ninth).await.unwrap(), Pushed::Put);
        assert_eq!(older.put(&target, &eighth).await.unwrap(), Pushed::Overtaken);
        assert_eq!(newer.put(&target, &ninth).await.unwrap(), Pushed::InPlace);
        let tenth = older.publish(&root, &root.crl(10, 0, 50));
        assert_eq!(older.put(&target, &tenth).await.unwrap(), Pushed::Put);
        let other = Node::of(&root);
        let another_tenth = other.publish(&root, &root.crl(10, 0, 51));
        assert!(matches!(other.put(&target, &another_tenth).await, Err(PushError::Conflict)));
    }
}

#[tokio::test]
async fn a_folder_has_the_paths_that_are_served_here() {
    let (root, folder) = (Root::new("Root"), tempfile::tempdir().unwrap());
    let node = Node::of(&root);
    node.publish(&root, &root.crl(7, 0, 50));
    let pusher = node.pusher(Target::Folder(Folder::at(folder.path())));
    pusher.round().await;
    assert!(matches!(pusher.condition(), Condition::Well));
    for (path, document) in node.repository.documents() {
        let octets = fs::read(folder.path().join(path.trim_start_matches('/'))).unwrap();
        assert_eq!(Some(octets.as_slice()), document.content().held().map(AsRef::as_ref), "{path}");
    }
}

#[tokio::test]
async fn what_others_put_there_is_left_and_told() {
    let (root, moto) = (Root::new("Root"), Moto::with_bucket().await);
    let node = Node::of(&root);
    assert_eq!(moto.ask(Method::PUT, &format!("/crls/pki{}", node.path)).await.0, StatusCode::OK);
    let document = node.publish(&root, &root.crl(7, 0, 50));
    assert!(matches!(node.put(&moto.target(), &document).await, Err(PushError::Foreign)));
}

#[tokio::test]
async fn a_target_that_is_away_is_told_and_tried_again_after_longer_and_longer_pauses() {
    let root = Root::new("Root");
    let node = Node::of(&root);
    let crl = root.crl(7, 0, 50);
    let moto = Moto::with_bucket().await;
    // Nobody listens there any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pusher = node.pusher(store(&format!("http://{gone}"), moto.credentials(0o600)));
    for seconds in [1, 2, 4, 8] {
        pusher.round().await;
        assert_eq!(pusher.pause(), Some(Duration::from_secs(seconds)));
    }
    let Condition::Degraded(told) = pusher.condition() else { panic!() };
    assert!(told.contains("4 in a row"), "{told}");
    for _ in 0..20 {
        pusher.round().await;
    }
    assert_eq!(pusher.pause(), Some(LONGEST_PAUSE));
    // What is published here is published.
    node.publish(&root, &crl);
}

#[tokio::test]
async fn credentials_that_others_may_read_are_not_used_and_never_told() {
    let (root, moto) = (Root::new("Root"), Moto::with_bucket().await);
    let node = Node::of(&root);
    let document = node.publish(&root, &root.crl(7, 0, 50));
    let target = store(&moto.endpoint, moto.credentials(0o640));
    let error = node.put(&target, &document).await.unwrap_err();
    assert!(
        matches!(error, PushError::Credentials { .. }) && error.to_string().contains("chmod 600"),
        "{error}"
    );
    let file = moto.credentials(0o600);
    fs::write(&file, "access_key = \"test\"\nsecret_key = hidden").unwrap();
    let error = node.put(&store(&moto.endpoint, file), &document).await.unwrap_err();
    assert!(!error.to_string().contains("hidden"), "{error}");
}

/// A store that does whatever it is asked, and looks at no condition.
async fn careless() -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 8_192];
            let _some = stream.read(&mut asked).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
    });
    endpoint
}

#[tokio::test]
async fn l_03_a_store_that_keeps_no_conditions_gets_nothing() {
    let (root, place) = (Root::new("Root"), tempfile::tempdir().unwrap());
    let node = Node::of(&root);
    let document = node.publish(&root, &root.crl(7, 0, 50));
    let file = place.path().join("credentials.toml");
    fs::write(&file, "access_key = \"test\"\nsecret_key = \"test\"\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let target = store(&careless().await, file);
    assert!(matches!(node.put(&target, &document).await, Err(PushError::Unconditional)));
}
