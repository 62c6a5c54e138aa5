import HomeLayout
import JSONText
import Posix
import ReleaseModel

/// The origin of an application: facts that its release does not hold.
public struct Component: Hashable, Sendable {
  public var application: String
  /// As the package spells them.
  public var licences: [String]
  /// Its name on Hex, if it came from there.
  public var package: String?
  /// The package's version on Hex; the application's may differ.
  public var version: String?
  /// The SHA-256 of the package's archive, in hexadecimal digits.
  public var sha256: String?

  public init(
    application: String, licences: [String] = [], package: String? = nil, version: String? = nil,
    sha256: String? = nil
  ) {
    (self.application, self.licences, self.package) = (application, licences, package)
    (self.version, self.sha256) = (version, sha256)
  }
}

/// The software bill of materials of a slug, as SPDX 2.3 in JSON. Source: ISO/IEC 5962, "SPDX Specification 2.3".
///
/// Equal contents give equal bytes: neither the place nor the time of the build is in it.
public struct SBOM {
  /// Where it lies in a slug's tree.
  public static let path = ".reltui/sbom.spdx.json"

  private let components: [String: Component]
  private var document: SPDXDocument
  private var packages: [String: String] = [:]
  private var ids: Set<String> = []
  /// Ids of licences that are not on SPDX's list, by their text.
  private var licences: [String: String] = [:]

  /// - Parameter created: in seconds since 1970, such as `SOURCE_DATE_EPOCH`; not the time of the build.
  public static func bytes(_ releases: [OTPRelease], _ components: [Component], created: Int64 = 0)
    -> [UInt8]
  {
    var sbom = SBOM(components, created: created)
    for release in releases { sbom.add(release) }
    sbom.document.name = releases.map { "\($0.name)-\($0.version)" }.joined(separator: "_")
    let digest = Hex.encode(SHA256.digest(JSON.encode(sbom.document)))
    sbom.document.documentNamespace =
      "https://spdx.org/spdxdocs/\(Self.escaped(sbom.document.name))-\(digest)"
    return JSON.encode(sbom.document, pretty: true) + [UInt8(ascii: "\n")]
  }

  private init(_ components: [Component], created: Int64) {
    self.components = Dictionary(components.map { ($0.application, $0) }) { first, _ in first }
    // The format has no year of five digits.
    let seconds = (0...253_402_300_799).contains(created) ? created : 0
    let time = Timestamp(milliseconds: seconds * 1000).description
    document = SPDXDocument(created: String(time.prefix(19)) + "Z")
  }

  private mutating func add(_ release: OTPRelease) {
    var package = SPDXDocument.Package(name: release.name, versionInfo: release.version)
    package.primaryPackagePurpose = "APPLICATION"
    let id = add(package, "release-\(release.name)-\(release.version)")
    document.relationships.append(.init(document.id, .describes, id))
    for part in [add(toolchain: "erts", release.ertsVersion)]
      + release.applications.map({ add($0) })
    {
      document.relationships.append(.init(id, .contains, part))
    }
  }

  private mutating func add(_ application: OTPRelease.Application) -> String {
    let (name, version) = (application.name, application.version)
    if ToolchainApplications.all.contains(name) { return add(toolchain: name, version) }
    var package = SPDXDocument.Package(name: name, versionInfo: version)
    guard let component = components[name] else { return add(package, "app-\(name)-\(version)") }
    package.licenseDeclared = declare(component.licences)
    if let hex = component.package {
      let release = component.version ?? version
      package.externalRefs = [
        .init(purl: "pkg:hex/\(Self.escaped(hex.lowercased()))@\(Self.escaped(release))")
      ]
    }
    if let digest = component.sha256 { package.checksums = [.init(checksumValue: digest)] }
    return add(package, "app-\(name)-\(version)")
  }

  private mutating func add(toolchain name: String, _ version: String) -> String {
    var package = SPDXDocument.Package(name: name, versionInfo: version)
    package.licenseDeclared = "Apache-2.0"
    package.externalRefs = [.init(purl: "pkg:otp/\(Self.escaped(name))@\(Self.escaped(version))")]
    return add(package, "app-\(name)-\(version)")
  }

  /// - Returns: its id. A package is added once.
  private mutating func add(_ package: SPDXDocument.Package, _ key: String) -> String {
    if let id = packages[key] { return id }
    var package = package
    package.id = newID("SPDXRef-", key)
    packages[key] = package.id
    document.packages.append(package)
    return package.id
  }

  private mutating func declare(_ texts: [String]) -> String {
    let expressions = texts.filter { !$0.isEmpty }.map {
      SPDXLicence.expression($0) ?? extracted($0)
    }
    return expressions.isEmpty ? SPDXDocument.unknown : expressions.joined(separator: " AND ")
  }

  private mutating func extracted(_ text: String) -> String {
    if let id = licences[text] { return id }
    let id = newID("LicenseRef-", String(text.prefix(64)))
    licences[text] = id
    document.hasExtractedLicensingInfos.append(.init(licenseId: id, extractedText: text))
    return id
  }

  /// SPDX allows letters, digits, points and dashes.
  private mutating func newID(_ prefix: String, _ text: String) -> String {
    let base = prefix + String(text.map { Self.isPlain($0) && $0 != "_" ? $0 : "-" })
    var (id, number) = (base, 2)
    while !ids.insert(id).inserted {
      id = "\(base)-\(number)"
      number += 1
    }
    return id
  }

  private static func isPlain(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
  }

  private static func escaped(_ text: String) -> String {
    text.map { character in
      isPlain(character)
        ? String(character) : character.utf8.map { "%" + Hex.encode([$0]).uppercased() }.joined()
    }.joined()
  }
}
