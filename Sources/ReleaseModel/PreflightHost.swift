import Events

// What the native code in a slug needs, against what the host offers, and the programs that must be executable.
extension Preflight {
  func hostFindings(_ texts: StartTexts) -> [Finding] {
    let target = manifest.target
    let kinds = kindFindings()
    if !kinds.isEmpty { return kinds }
    // Another architecture's loader looks elsewhere.
    guard target.arch == host.arch else { return [] }
    return machineFindings() + glibcFindings(texts) + libraryFindings(texts)
  }

  private func mismatch(_ sentence: String, _ remedy: String, refuses: Bool) -> Finding {
    Finding(refuses: refuses, cause: Cause(.targetMismatch, sentence, remedy: remedy))
  }

  // MARK: - System and architecture

  private func kindFindings() -> [Finding] {
    let (target, build) = (manifest.target, "Build it on a host of this kind.")
    for release in startedReleases {
      let file = release.machineFolder + "/beam.smp"
      guard let arch = native(file)?.architecture, arch != host.arch else { continue }
      return [
        mismatch(
          "\(file) is for \(arch); this host is \(host.arch)", build, refuses: !host.mayRun(arch))
      ]
    }
    if target.os == host.os, target.arch == host.arch || host.mayRun(target.arch) { return [] }
    return [
      mismatch(
        "the slug is for \(target.os) on \(target.arch); this host is \(host.os) on \(host.arch)",
        build, refuses: true)
    ]
  }

  // MARK: - Modes

  /// Programs without which no virtual machine starts.
  private func machineFindings() -> [Finding] {
    startedReleases.flatMap { release in
      let programs =
        ["beam.smp", "erlexec", "erl_child_setup"].map { "\(release.machineFolder)/\($0)" }
        + (release.kind == .mix
          ? ["\(release.machineFolder)/erl", "\(release.versionFolder)/elixir"] : [])
      return programs.compactMap { entry($0) }.compactMap {
        notExecutable($0, refuses: true)
      }
    }
  }

  func notExecutable(_ entry: Manifest.Entry, refuses: Bool) -> Finding? {
    guard entry.kind == .file, let mode = entry.mode, let bits = UInt32(mode, radix: 8),
      bits & 0o111 == 0
    else { return nil }
    return Finding(
      refuses: refuses,
      cause: Cause(
        .notExecutable, "\(entry.path) is not executable (mode \(mode))",
        remedy: "Set its mode where the slug is made: chmod +x \(entry.path)",
        facts: ["mode": mode]))
  }

  // MARK: - glibc and other libraries

  /// Whether the loader may look in folders that the app names.
  private func mayLookElsewhere(_ texts: StartTexts) -> Bool {
    let name = "LD_LIBRARY_PATH"
    return config.contains(name) || texts.allNames.mentioned.contains(name)
      || !texts.isWhole
  }

  private func glibcFindings(_ texts: StartTexts) -> [Finding] {
    guard let needed = manifest.target.glibc.flatMap({ LibraryVersion($0) }),
      let offered = host.glibc(), offered < needed
    else { return [] }
    // A slug with a C library of its own does not use that of the host.
    let isSure =
      manifest.target.libraries?.contains("libc.so.6") == true && !mayLookElsewhere(texts)
    let isEmbedded = isEmbedded(texts)
    let findings = nativeFiles().filter { ($0.needs.glibc ?? offered) > offered }.map {
      path, needs in
      mismatch(
        "\(path) needs glibc \(needs.glibc ?? needed); this host has \(offered)",
        "Build the slug on a host with glibc \(offered) or older.",
        refuses: isSure && (isOfMachine(path) || isEmbedded && isLoadedAtBoot(path)))
    }
    let refusals = findings.filter(\.refuses)
    return refusals.isEmpty ? Array(findings.prefix(1)) : refusals
  }

  private func libraryFindings(_ texts: StartTexts) -> [Finding] {
    let missing = (manifest.target.libraries ?? []).filter { host.hasLibrary($0) == false }
    if missing.isEmpty { return [] }
    let (isSure, isEmbedded, files) = (!mayLookElsewhere(texts), isEmbedded(texts), nativeFiles())
    func isNeeded(_ path: String) -> Bool {
      isOfMachine(path)
        || isEmbedded && application(of: path) == "crypto" && isLoadedAtBoot(path)
    }
    return missing.compactMap { library in
      let users = files.filter { $0.needs.libraries.contains(library) }
      guard let user = users.first(where: { isNeeded($0.path) }) ?? users.first else { return nil }
      return mismatch(
        "\(user.path) needs \(library); this host does not have it",
        "Install it here, or build the slug on a host like this one.",
        refuses: isSure && isNeeded(user.path) && !user.needs.hasFolders)
    }
  }

  /// The native code of the slug, what a boot needs first.
  private func nativeFiles() -> [(path: String, needs: NativeNeeds)] {
    let paths = manifest.files.filter { $0.kind == .file && $0.size ?? 0 >= 52 }.map(\.path)
    let first = paths.filter { isOfMachine($0) } + paths.filter { !isOfMachine($0) }
    return first.compactMap { path in native(path).map { (path, $0) } }.filter {
      $0.needs.architecture == host.arch
    }
  }

  private func isOfMachine(_ path: String) -> Bool {
    startedReleases.contains { release in
      ["beam.smp", "erlexec", "erl_child_setup"].contains {
        path == "\(release.machineFolder)/\($0)"
      }
    }
  }

  /// Whether it is a NIF of an application that a boot starts. In embedded mode the modules of those are loaded before
  /// anything is started.
  private func isLoadedAtBoot(_ path: String) -> Bool {
    guard path.hasSuffix(".so"), let application = application(of: path) else { return false }
    return startedReleases.contains { $0.bootOrder.contains(application) }
  }

  /// The application in whose `priv` the file is.
  private func application(of path: String) -> String? {
    for release in startedReleases {
      for application in release.applications {
        let top = release.folder.map { $0 + "/" } ?? ""
        if path.hasPrefix("\(top)lib/\(application.name)-\(application.version)/priv/") {
          return application.name
        }
      }
    }
    return nil
  }

  /// Whether a boot loads all code. The start script of mix says so; that of relx may say either.
  private func isEmbedded(_ texts: StartTexts) -> Bool {
    let name = "RELEASE_MODE"
    return startedReleases.allSatisfy { $0.kind == .mix } && !config.contains(name)
      && !texts.names.mentioned.contains(name)
  }
}
