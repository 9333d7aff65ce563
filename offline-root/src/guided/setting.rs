//! What the acts of a ceremony work with: in a rehearsal, soft tokens in the place of those that the file names, and roots in the
//! place of those of earlier ceremonies.

use std::io::{self, IsTerminal};

use ceremony::file::CeremonyFile;
use ceremony::file::root::KeyPlace;

use super::beforehand::Beforehand;
use super::error::GuidedError;
use super::means::Means;
use super::originals::Original;
use super::scene::{Scene, ensure};
use super::soft_tokens::{Rehearsal, SoftTokenError, SoftTokenPlace};

/// What the acts of a ceremony work with.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The ceremony file, with the tokens that may be touched.
    pub(crate) file: CeremonyFile,
    /// Where things are.
    pub(crate) means: Means,
    /// What was held before.
    pub(crate) beforehand: Beforehand,
    /// In a rehearsal: the roots of earlier ceremonies, which something else stands in for.
    pub(crate) originals: Vec<Original>,
    /// What the room is told beforehand.
    pub(crate) notices: Vec<String>,
    /// How the file of a share is called behind the name of its root: a rehearsal's never meets the real one on a medium.
    pub(crate) share_suffix: &'static str,
}

impl Setting {
    /// The real thing: what the file names.
    pub(crate) fn real(file: &CeremonyFile, means: &Means, beforehand: Beforehand) -> Self {
        Self {
            file: file.clone(),
            means: means.clone(),
            beforehand,
            originals: Vec::new(),
            notices: Vec::new(),
            share_suffix: "share",
        }
    }

    /// The same in a rehearsal: no token that the file names is touched, its module is not loaded, and no root is used that was
    /// there before.
    pub(crate) fn rehearsed(
        self,
        originals: Vec<Original>,
        scene: &Scene,
        rehearsal: &Rehearsal,
    ) -> Result<Self, GuidedError> {
        let notices = originals.iter().map(notice_of).collect();
        let mut setting = Self { share_suffix: "REHEARSAL.share", originals, notices, ..self };
        let file = setting.file.clone();
        let on_token: Vec<_> =
            file.roots().iter().filter(|root| matches!(root.keys, KeyPlace::Token(_))).collect();
        if on_token.is_empty() {
            return Ok(setting);
        }
        if let Some(root) = on_token.iter().find(|root| setting.means.root_secrets.contains_key(&root.name)) {
            return Err(SoftTokenError::RealPin { root: root.name.to_string() }.into());
        }
        ensure(&scene.soft_tokens())?;
        let place = SoftTokenPlace::prepare(&scene.soft_tokens(), rehearsal)?;
        setting.file = file.on_tokens(|token| place.stand_in(token))?;
        let stand_ins = on_token
            .iter()
            .zip(setting.file.roots().iter().filter(|root| matches!(root.keys, KeyPlace::Token(_))));
        for (named, stands_in) in stand_ins {
            if let (KeyPlace::Token(named), KeyPlace::Token(stands_in)) = (&named.keys, &stands_in.keys) {
                setting.notices.push(format!(
                    "The soft token {} with the serial number {} takes the place of the token {} {}, which is not touched.",
                    stands_in.label, stands_in.serial, named.label, named.serial
                ));
            }
        }
        setting.notices.push(format!("The PIN of the rehearsal is {}. It opens nothing else.", place.pin()?));
        if !io::stdin().is_terminal() {
            // Nobody can type it unseen.
            let files = on_token.iter().map(|root| (root.name.clone(), place.pin_file()));
            setting.means.root_secrets.extend(files);
        }
        Ok(setting)
    }
}

/// What a stand-in is, and what it is not.
fn notice_of(original: &Original) -> String {
    format!(
        "The root {} is of an earlier ceremony. A stand-in takes its place, which is not touched: a root of the same name with keys of \
         its own. Choose what opens them anew; never type here what opens the real ones. Its CRLs list nothing from before. Certificates \
         that it knows of those that the root has issued, since the file names them: {}.",
        original.root,
        original.named.len()
    )
}
