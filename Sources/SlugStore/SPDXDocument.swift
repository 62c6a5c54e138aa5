/// The fields of an SPDX 2.3 document that we write, by SPDX's own names.
struct SPDXDocument: Encodable {
  static let unknown = "NOASSERTION"

  struct Creation: Encodable {
    var created: String
    var creators = ["Tool: reltui"]
  }

  struct Reference: Encodable {
    var referenceCategory = "PACKAGE-MANAGER"
    var referenceType = "purl"
    var referenceLocator: String

    init(purl: String) { referenceLocator = purl }
  }

  struct Checksum: Encodable {
    var algorithm = "SHA256"
    var checksumValue: String
  }

  struct Package: Encodable {
    var id = ""
    var name: String
    var versionInfo: String
    var supplier = SPDXDocument.unknown
    var downloadLocation = SPDXDocument.unknown
    var filesAnalyzed = false
    var licenseConcluded = SPDXDocument.unknown
    var licenseDeclared = SPDXDocument.unknown
    var copyrightText = SPDXDocument.unknown
    var primaryPackagePurpose = "LIBRARY"
    var externalRefs: [Reference]?
    var checksums: [Checksum]?

    private enum CodingKeys: String, CodingKey {
      case name, versionInfo, supplier, downloadLocation, filesAnalyzed, licenseConcluded
      case licenseDeclared, copyrightText, primaryPackagePurpose, externalRefs, checksums
      case id = "SPDXID"
    }
  }

  struct Licence: Encodable {
    var licenseId: String
    var extractedText: String
  }

  struct Relationship: Encodable {
    enum Kind: String, Encodable {
      case describes = "DESCRIBES"
      case contains = "CONTAINS"
    }
    var spdxElementId: String
    var relationshipType: Kind
    var relatedSpdxElement: String

    init(_ from: String, _ kind: Kind, _ to: String) {
      spdxElementId = from
      relationshipType = kind
      relatedSpdxElement = to
    }
  }

  var spdxVersion = "SPDX-2.3"
  var dataLicense = "CC0-1.0"
  var id = "SPDXRef-DOCUMENT"
  var name = ""
  var documentNamespace = ""
  var creationInfo: Creation
  var packages: [Package] = []
  var hasExtractedLicensingInfos: [Licence] = []
  var relationships: [Relationship] = []

  private enum CodingKeys: String, CodingKey {
    case spdxVersion, dataLicense, name, documentNamespace, creationInfo, packages
    case hasExtractedLicensingInfos, relationships
    case id = "SPDXID"
  }

  init(created: String) { creationInfo = Creation(created: created) }
}
