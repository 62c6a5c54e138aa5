import Events
import HomeLayout
import Posix
import ReleaseModel

/// Manifests of stored slugs, for programs that only read.
public enum SlugManifest {
  public static func read(slug: String, home: Home) throws(Cause) -> Manifest {
    let isID =
      slug.utf8.count == 64
      && slug.utf8.allSatisfy {
        (48...57).contains($0) || (97...102).contains($0)
      }
    let short = slug.prefix(12)
    guard isID else { throw Cause(.slugUnknown, "'\(short)' is no slug's id") }
    let bytes: [UInt8]?
    do throws(PosixError) {
      bytes = try Files.readIfThere("\(home.slugs)/\(slug)/manifest.json", limit: 256 << 20)
    } catch { throw Cause(error) }
    guard let bytes else { throw Cause(.slugUnknown, "the slug \(short) is not in this home") }
    return try Manifest(bytes: bytes)
  }
}
