//! The checks of the configuration of `meter-pki watch`.

use std::path::PathBuf;

use super::Checker;
use crate::config::{
    CheckConfigError, CheckedTarget, MailSecurity, MailWay, NoticeLog, RawMail, RawNoticeLog, RawWatch,
    RawWebhook, WatchConfig, Way,
};
use crate::severity::Severity;

/// The shortest time between two looks, in seconds: a look asks for signatures.
const SHORTEST: u32 = 10;

impl Checker<'_> {
    /// Checks everything.
    pub(in crate::config) fn check_watch(mut self, raw: &RawWatch) -> Result<WatchConfig, CheckConfigError> {
        match self.watch(raw) {
            Some(config) if self.faults.is_empty() => Ok(config),
            _ => Err(CheckConfigError { faults: self.told() }),
        }
    }

    fn watch(&mut self, raw: &RawWatch) -> Option<WatchConfig> {
        let directory = self.directory("directory", &raw.directory);
        if raw.every_seconds < SHORTEST {
            self.note("every_seconds", format!("is {SHORTEST} at least"));
        }
        if raw.repeat_hours == 0 {
            self.note("repeat_hours", "is 1 at least");
        }
        if raw.installation.is_empty() || raw.installation.chars().any(char::is_control) {
            self.note("installation", "is a name in one line");
        }
        let least = self.least("least", Some(&raw.least), Severity::Warning);
        let mut targets = self.each(&raw.webhooks, |checker, one| checker.webhook(one, least));
        targets.extend(self.each(&raw.mails, |checker, one| checker.mail(one, least)));
        targets.extend(self.each(&raw.collectors, |checker, one| checker.notice_log(one, least)));
        if raw.webhooks.is_empty() && raw.mails.is_empty() && raw.collectors.is_empty() {
            self.note("webhook, mail, syslog", "nobody is told: give at least one");
        }
        Some(WatchConfig {
            configuration: self.beside(&raw.configuration),
            directory: directory?,
            installation: raw.installation.clone(),
            every_seconds: i64::from(raw.every_seconds),
            repeat_seconds: i64::from(raw.repeat_hours).saturating_mul(3_600),
            // What one target wants to hear is found, though another does not.
            least: targets.iter().map(|target| target.least).min().unwrap_or(least),
            skip: raw.skip.clone(),
            unusual: raw.unusual,
            targets,
        })
    }

    fn least(&mut self, what: &str, word: Option<&String>, usual: Severity) -> Severity {
        let told = match word.map(String::as_str) {
            None => return usual,
            Some("notice") => Ok(Severity::Notice),
            Some("warning") => Ok(Severity::Warning),
            Some("fault") => Ok(Severity::Fault),
            Some(_) => Err("is notice, warning or fault"),
        };
        self.keep(what, told).unwrap_or(usual)
    }

    fn webhook(&mut self, raw: &RawWebhook, least: Severity) -> Option<CheckedTarget> {
        let least = self.least("webhook.least", raw.least.as_ref(), least);
        let (secret_file, roots_file) = (self.beside(&raw.secret_file), self.roots(raw.roots_file.as_ref()));
        if raw.url.starts_with("https://") && roots_file.is_none() {
            self.note("webhook", "a URL that is https needs roots_file: who vouches for the server");
        }
        Some(CheckedTarget { least, way: Way::Webhook { url: raw.url.clone(), secret_file, roots_file } })
    }

    fn mail(&mut self, raw: &RawMail, least: Severity) -> Option<CheckedTarget> {
        let least = self.least("mail.least", raw.least.as_ref(), least);
        if raw.to.is_empty() {
            self.note("mail.to", "at least one address is needed");
        }
        if raw.user.is_some() != raw.password_file.is_some() {
            self.note("mail", "user and password_file go together");
        }
        if raw.user.is_some() && raw.security == MailSecurity::None {
            self.note("mail", "a password does not go in the clear: security = \"starttls\" or \"tls\"");
        }
        let way = MailWay {
            server: raw.server.clone(),
            security: raw.security,
            roots_file: self.roots(raw.roots_file.as_ref()),
            from: raw.from.clone(),
            to: raw.to.clone(),
            user: raw.user.clone(),
            password_file: raw.password_file.as_ref().map(|file| self.beside(file)),
        };
        Some(CheckedTarget { least, way: Way::Mail(way) })
    }

    fn notice_log(&mut self, raw: &RawNoticeLog, least: Severity) -> Option<CheckedTarget> {
        let least = self.least("syslog.least", raw.least.as_ref(), least);
        let roots_file = self.roots(raw.roots_file.as_ref());
        let collector = match raw.clone() {
            RawNoticeLog { socket: Some(path), udp: None, tcp: None, tls: None, .. } => {
                Ok(NoticeLog::Socket(self.beside(&path)))
            }
            RawNoticeLog { socket: None, udp: Some(udp), tcp: None, tls: None, .. } => {
                Ok(NoticeLog::Udp(udp))
            }
            RawNoticeLog { socket: None, udp: None, tcp: Some(tcp), tls: None, .. } => {
                Ok(NoticeLog::Tcp(tcp))
            }
            RawNoticeLog { socket: None, udp: None, tcp: None, tls: Some(tls), .. } => {
                Ok(NoticeLog::Tls(tls))
            }
            _ => Err("give one of socket, udp, tcp and tls"),
        };
        let collector = self.keep("syslog", collector)?;
        Some(CheckedTarget { least, way: Way::Syslog { collector, roots_file } })
    }

    fn roots(&self, file: Option<&PathBuf>) -> Option<PathBuf> {
        file.map(|file| self.beside(file))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const HEAD: &str = "configuration = \"meter-pki.toml\"\ndirectory = \".\"\ninstallation = \"grid\"\n";
    const LOG: &str = "[[syslog]]\nsocket = \"/dev/log\"\n";

    fn checked(directory: &Path, text: &str) -> Result<WatchConfig, CheckConfigError> {
        let file = directory.join("watch.toml");
        std::fs::write(&file, text).unwrap();
        WatchConfig::load(&file)
    }

    #[test]
    fn a_sound_configuration_has_its_usual_values() {
        let directory = tempfile::tempdir().unwrap();
        let hook =
            "[[webhook]]\nurl = \"http://localhost/hook\"\nsecret_file = \"secret\"\nleast = \"notice\"\n";
        let mail = "[[mail]]\nserver = \"localhost:25\"\nsecurity = \"none\"\nfrom = \"pki@example.org\"\nto = [\"a@example.org\"]\n";
        let config = checked(directory.path(), &format!("{HEAD}{hook}{mail}{LOG}")).unwrap();
        assert_eq!((config.every_seconds, config.repeat_seconds), (300, 86_400));
        assert_eq!(config.least, Severity::Notice, "what one wants to hear is found");
        let least: Vec<Severity> = config.targets.iter().map(|target| target.least).collect();
        assert_eq!(least, [Severity::Notice, Severity::Warning, Severity::Warning]);
        assert_eq!(config.configuration, directory.path().join("meter-pki.toml"));
    }

    #[test]
    fn every_fault_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let hook = |more: &str| format!("{HEAD}[[webhook]]\nsecret_file = \"secret\"\n{more}\n");
        let mail = |more: &str| {
            format!("{HEAD}[[mail]]\nserver = \"localhost:25\"\nfrom = \"pki@example.org\"\n{more}\n")
        };
        for (text, fault) in [
            (HEAD.to_owned(), "nobody is told"),
            (format!("every_seconds = 9\n{HEAD}{LOG}"), "is 10 at least"),
            (format!("repeat_hours = 0\n{HEAD}{LOG}"), "is 1 at least"),
            (format!("least = \"loud\"\n{HEAD}{LOG}"), "is notice, warning or fault"),
            (format!("{}{LOG}", HEAD.replace("\"grid\"", "\"\"")), "is a name in one line"),
            (format!("{}{LOG}", HEAD.replace("\".\"", "\"nowhere\"")), "there is no directory"),
            (hook("url = \"https://localhost/\""), "needs roots_file"),
            (mail("security = \"none\"\nto = []"), "at least one address"),
            (
                mail("security = \"none\"\nto = [\"a@b.c\"]\nuser = \"u\"\npassword_file = \"secret\""),
                "in the clear",
            ),
            (mail("security = \"tls\"\nto = [\"a@b.c\"]\nuser = \"u\""), "go together"),
            (format!("{HEAD}[[syslog]]\n"), "give one of"),
            (format!("{HEAD}{LOG}tcp = \"collector:601\"\n"), "give one of"),
        ] {
            let told = checked(directory.path(), &text).map(drop).unwrap_err().faults;
            assert!(told.iter().any(|one| one.contains(fault)), "{text}: {told:?}");
        }
    }
}
