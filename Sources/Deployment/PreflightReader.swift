import Events
import HomeLayout
import Posix
import ReleaseModel
import SlugStore

extension Preflight {
  /// The preflight of a stored slug on this host. The slug's files are read when a check needs them.
  init(
    of slug: String, _ manifest: Manifest, home: Home, app: String, formation: [String: Int],
    runsPhase: Bool, config: Set<String>
  ) {
    let tree = StoredSlugs(home: home).tree(slug)
    self.init(
      app: app, manifest, formation: formation, runsPhase: runsPhase, config: config,
      host: .this,
      read: { path in
        let bytes = try? SlugFile.open(path, in: tree).readWhole(limit: 1 << 18)
        // A script may have a comment in another encoding.
        return bytes.map { String(decoding: $0, as: UTF8.self) }
      }, native: { NativeNeeds(ofFile: $0, in: tree) })
  }
}

extension HostOffer {
  /// This host.
  static var this: HostOffer {
    let (kind, libraries) = (Manifest.Target.host, HostLibraries())
    return HostOffer(
      os: kind.os, arch: kind.arch, glibc: { libraries.glibc },
      mayRun: { arch in
        arch == kind.arch || Self.sisters[kind.arch]?.contains(arch) == true
          || Files.exists("/proc/sys/fs/binfmt_misc/qemu-" + arch)
      }, hasLibrary: { libraries.has($0) },
      hasProgram: { name in
        Invocation.standardPath.split(separator: ":").contains {
          Files.isExecutableFile("\($0)/\(name)")
        }
      })
  }

  /// Architectures whose programs a processor runs beside its own.
  private static let sisters: [String: Set<String>] = [
    "x86_64": ["i386", "x32"], "aarch64": ["arm"],
  ]
}
