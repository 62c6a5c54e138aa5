import CommandLine
import Posix
import ReleaseModel
import SlugStore

extension Verb {
  static let deploy = Verb(
    Command(
      "deploy", "APP SLUG|DIR", count: 2...2, "make a slug the app's next release",
      details: """
        DIR is built first. The new release starts beside the old one and takes over when all its
        instances are ready; if one does not get ready, the old release is not touched.
        """,
      options: [.json])
  ) { call throws(Cause) in
    let name = try call.target().app
    let slug: String
    if Files.isFolder(call.context.absolute(call.positional(1))) || call.positional(1).contains("/")
    {
      let source = try Source(call.positional(1), call.context)
      slug = try SlugMaker(call: call, app: name, isRehearsed: false).make(from: source)
    } else {
      let store = SlugStore(home: try call.home())
      do throws(Cause) {
        slug = try store.find(call.positional(1))
        try store.touch(slug)
      } catch {
        guard error.id == ProblemID.slugUnknown.rawValue else { throw error }
        throw Cause(.slugUnknown, "\(error.sentence), nor a folder of that name")
      }
    }
    return try call.request(.deployRequested, app: name) { $0.slug = slug }
  }
}
