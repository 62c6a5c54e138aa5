import JSONText
import Posix
import SlugStore
import Testing

@testable import ReleaseModel

@Suite struct SBOMTests {
  private struct Document: Decodable {
    struct Package: Decodable {
      struct Reference: Decodable { var referenceLocator: String }
      struct Checksum: Decodable {
        var algorithm: String
        var checksumValue: String
      }
      var id: String
      var name: String
      var versionInfo: String
      var licenseDeclared: String
      var filesAnalyzed: Bool
      var externalRefs: [Reference]?
      var checksums: [Checksum]?

      private enum CodingKeys: String, CodingKey {
        case name, versionInfo, licenseDeclared, filesAnalyzed, externalRefs, checksums
        case id = "SPDXID"
      }
    }
    struct Licence: Decodable {
      var licenseId: String
      var extractedText: String
    }
    struct Relationship: Decodable {
      var spdxElementId: String
      var relationshipType: String
      var relatedSpdxElement: String
    }
    struct Creation: Decodable { var created: String }
    var name: String
    var documentNamespace: String
    var creationInfo: Creation
    var packages: [Package]
    var hasExtractedLicensingInfos: [Licence]
    var relationships: [Relationship]
  }

  private static func release(_ name: String, _ applications: [(String, String)]) -> OTPRelease {
    OTPRelease(
      name: name, version: "1.0.0", ertsVersion: "13.1.5", kind: .mix,
      applications: applications.map { OTPRelease.Application(name: $0.0, version: $0.1) },
      startCommand: "bin/\(name)", startArgument: "start")
  }

  private static let two = [
    release(
      "shop", [("kernel", "8.5.3"), ("elixir", "1.14.0"), ("jason", "1.4.0"), ("shop", "0.1.0")]),
    release("admin", [("kernel", "8.5.3"), ("jason", "1.4.0"), ("a_b", "1.0+x"), ("a.b", "2")]),
  ]
  private static let digest = String(repeating: "0a", count: 32)
  private static let components = [
    Component(
      application: "jason", licences: ["Apache 2"], package: "Jason", version: "1.4.0+1",
      sha256: digest),
    Component(application: "a_b", licences: ["My own words", "MIT"]),
    Component(application: "a.b", licences: ["My own words", ""]),
    // What is the toolchain's stays the toolchain's.
    Component(application: "kernel", licences: ["MIT"], package: "kernel"),
  ]

  private func document(_ created: Int64 = 0) throws -> Document {
    try JSON.decode(
      Document.self, from: SBOM.bytes(Self.two, Self.components, created: created))
  }

  @Test func packagesAreToldOnceWithWhatIsKnown() throws {
    let document = try document()
    let told = document.packages.map {
      "\($0.id) \($0.name) \($0.versionInfo) \($0.licenseDeclared) "
        + ($0.externalRefs?.first?.referenceLocator ?? "-")
    }
    #expect(
      told == [
        "SPDXRef-release-shop-1.0.0 shop 1.0.0 NOASSERTION -",
        "SPDXRef-app-erts-13.1.5 erts 13.1.5 Apache-2.0 pkg:otp/erts@13.1.5",
        "SPDXRef-app-kernel-8.5.3 kernel 8.5.3 Apache-2.0 pkg:otp/kernel@8.5.3",
        "SPDXRef-app-elixir-1.14.0 elixir 1.14.0 Apache-2.0 pkg:otp/elixir@1.14.0",
        "SPDXRef-app-jason-1.4.0 jason 1.4.0 Apache-2.0 pkg:hex/jason@1.4.0%2B1",
        "SPDXRef-app-shop-0.1.0 shop 0.1.0 NOASSERTION -",
        "SPDXRef-release-admin-1.0.0 admin 1.0.0 NOASSERTION -",
        "SPDXRef-app-a-b-1.0-x a_b 1.0+x LicenseRef-My-own-words AND MIT -",
        "SPDXRef-app-a.b-2 a.b 2 LicenseRef-My-own-words -",
      ])
    #expect(document.packages.allSatisfy { !$0.filesAnalyzed })
    let checksums = document.packages.compactMap(\.checksums).joined()
    #expect(checksums.map { $0.algorithm + $0.checksumValue } == ["SHA256" + Self.digest])
    #expect(
      document.hasExtractedLicensingInfos.map { $0.licenseId + "|" + $0.extractedText } == [
        "LicenseRef-My-own-words|My own words"
      ])
    let edges = document.relationships.map {
      [$0.spdxElementId, $0.relationshipType, $0.relatedSpdxElement]
        .map { $0.replacing("SPDXRef-", with: "") }.joined(separator: " ")
    }
    #expect(
      edges == [
        "DOCUMENT DESCRIBES release-shop-1.0.0", "release-shop-1.0.0 CONTAINS app-erts-13.1.5",
        "release-shop-1.0.0 CONTAINS app-kernel-8.5.3",
        "release-shop-1.0.0 CONTAINS app-elixir-1.14.0",
        "release-shop-1.0.0 CONTAINS app-jason-1.4.0", "release-shop-1.0.0 CONTAINS app-shop-0.1.0",
        "DOCUMENT DESCRIBES release-admin-1.0.0", "release-admin-1.0.0 CONTAINS app-erts-13.1.5",
        "release-admin-1.0.0 CONTAINS app-kernel-8.5.3",
        "release-admin-1.0.0 CONTAINS app-jason-1.4.0",
        "release-admin-1.0.0 CONTAINS app-a-b-1.0-x", "release-admin-1.0.0 CONTAINS app-a.b-2",
      ])
  }

  @Test func equalContentsAreEqualBytes() throws {
    let bytes = SBOM.bytes(Self.two, Self.components)
    #expect(bytes == SBOM.bytes(Self.two, Self.components.reversed()))
    let other = try document(1_600_000_000)
    #expect(other.creationInfo.created == "2020-09-13T12:26:40Z")
    let first = try document()
    #expect(first.creationInfo.created == "1970-01-01T00:00:00Z")
    #expect(first.documentNamespace != other.documentNamespace)
    #expect(
      first.documentNamespace.hasPrefix("https://spdx.org/spdxdocs/shop-1.0.0_admin-1.0.0-"))
    for odd in [Int64.max, .min, -1] {
      #expect(try document(odd).creationInfo.created == "1970-01-01T00:00:00Z")
    }
  }

  static let licences: [(String, String)] = [
    ("Apache-2.0", "Apache-2.0"), ("Apache 2.0", "Apache-2.0"), ("apache 2", "Apache-2.0"),
    ("Apache License, Version 2.0", "Apache-2.0"), ("Apache v2.0", "Apache-2.0"),
    ("The MIT License", "MIT"), ("mit", "MIT"),
    ("MIT License (MIT)", "LicenseRef-MIT-License--MIT-"),
    ("BSD-3-Clause", "BSD-3-Clause"), ("BSD 3-Clause", "BSD-3-Clause"),
    ("3-Clause BSD License", "BSD-3-Clause"), ("New BSD", "BSD-3-Clause"),
    ("BSD", "LicenseRef-BSD"), ("GPLv3", "GPL-3.0-only"), ("LGPL-2.1", "LGPL-2.1-only"),
    ("Mozilla Public License 2.0", "MPL-2.0"),
    ("MPL 2.0", "MPL-2.0"), ("Unlicense", "Unlicense"), ("WTFPL", "WTFPL"), ("ISC", "ISC"),
    ("MIT OR Apache-2.0", "(MIT OR Apache-2.0)"), ("(MIT and ISC)", "(MIT AND ISC)"),
    ("MIT or whatever", "LicenseRef-MIT-or-whatever"), ("\u{1F600}", "LicenseRef--"),
  ]

  @Test(arguments: licences) func wordsBecomeIds(_ words: String, _ id: String) throws {
    let component = Component(application: "x", licences: [words])
    let document = try JSON.decode(
      Document.self, from: SBOM.bytes([Self.release("r", [("x", "1")])], [component]))
    #expect(document.packages.last?.licenseDeclared == id)
  }
}
