//! What holds where neither the connection string nor the service file says anything: `PG*`
//! variables, and the user of the operating system.

use std::path::PathBuf;

use super::Environment;
use super::parse::{KEYS, Settings};

/// Fills what is still open from the environment, as libpq does: a variable that is set to an empty
/// text counts as given.
pub(super) fn fill(settings: &mut Settings, env: Environment<'_>) {
    for (key, variable) in KEYS {
        if variable.is_empty() {
            continue;
        }
        if let Some(value) = env(variable) {
            let known = settings.set_default(key, value);
            debug_assert!(known, "KEYS holds its own names");
        }
    }
    // Older than PGSSLMODE, and still honoured by libpq.
    if env("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
        let known = settings.set_default("sslmode", "require".to_owned());
        debug_assert!(known, "sslmode is a setting");
    }
}

/// The user's home folder.
pub(super) fn home(env: Environment<'_>) -> Option<PathBuf> {
    env("HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

/// The name of the user who runs this program.
pub(super) fn os_user() -> Option<String> {
    whoami::username().ok().filter(|name| !name.is_empty())
}
