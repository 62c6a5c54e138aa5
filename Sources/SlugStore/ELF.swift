/// The fields of an ELF file that the dynamic linker reads. Sources: elf(5); System V ABI, "Dynamic Linking"; Linux
/// Standard Base, "Symbol Versioning".
///
/// A file that is too short or contradicts itself is not read as ELF, since it could not be run.
struct ELF: Equatable {
  /// `e_machine`.
  var machine: UInt16
  var is64Bit: Bool
  var isBigEndian: Bool
  /// Whether it is a program or a shared library, not an object file or a core dump.
  var isLoadable: Bool
  /// The dynamic linker that a program asks for.
  var interpreter: String?
  /// The name that a shared library gives itself.
  var name: String?
  /// Names of shared libraries.
  var needed: [String] = []
  /// Folders to look for them in, from `DT_RPATH` and `DT_RUNPATH`.
  var folders: [String] = []
  /// Versions of their symbols without which it is not started, such as `GLIBC_2.34`.
  var versions: [String] = []
  /// Versions of its own symbols.
  var defined: [String] = []

  static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]

  /// The name that `uname -m` has for it, or the number of an unknown one.
  var architecture: String {
    switch machine {
    case 62: is64Bit ? "x86_64" : "x32"
    case 183: isBigEndian ? "aarch64_be" : "aarch64"
    case 3: "i386"
    case 8: "mips"
    case 20: "ppc"
    case 21: isBigEndian ? "ppc64" : "ppc64le"
    case 22: "s390x"
    case 40: "arm"
    case 243: is64Bit ? "riscv64" : "riscv32"
    case 258: "loongarch64"
    default: "machine \(machine)"
    }
  }
}

extension ELF {
  /// - Parameter read: at most so many bytes from an offset; fewer at the file's end.
  init?(size: Int, read: @escaping (_ offset: Int, _ count: Int) -> [UInt8]) {
    guard let elf = ELFReader(size: size, read: read)?.elf() else { return nil }
    self = elf
  }
}
