import ConfigStore
import Events
import HomeLayout
import Operations
import ReleaseModel
import SlugStore

extension RollbackCheck {
  /// The check with what a home holds; nil if the app has no release to go back to.
  public static func read(_ rollback: Rollback, in app: Board.App, home: Home) -> RollbackCheck? {
    let (slugs, sets) = (StoredSlugs(home: home), ConfigSets(home: home, app: app.name))
    return RollbackCheck(rollback, in: app) { slug throws(Cause) in
      try slugs.manifest(slug)
    } config: { left, target throws(Cause) in
      let (present, old) = (try sets.load(left.config), try sets.load(target.config))
      if rollback.restoresSecrets {
        return Config(ConfigChanges(from: present.values, to: old.values))
      }
      let (new, kept) = old.keepingSecrets(of: present)
      return Config(ConfigChanges(from: present.values, to: new.values), kept: kept)
    }
  }
}
