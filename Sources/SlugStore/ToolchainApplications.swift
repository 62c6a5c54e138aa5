/// The applications that come with Erlang/OTP and with Elixir, by their names.
public enum ToolchainApplications {
  /// The applications of OTP 21 to 28, without those that are never part of a release.
  public static let otp: Set<String> = [
    "asn1", "common_test", "compiler", "cosEvent", "cosEventDomain", "cosFileTransfer",
    "cosNotification", "cosProperty", "cosTime", "cosTransactions", "crypto", "debugger",
    "dialyzer", "diameter", "edoc", "eldap", "erl_docgen", "erl_interface", "erts", "et", "eunit",
    "ftp", "hipe", "ic", "inets", "jinterface", "kernel", "megaco", "mnesia", "observer", "odbc",
    "orber", "os_mon", "otp_mibs", "parsetools", "public_key", "reltool", "runtime_tools", "sasl",
    "snmp", "ssh", "ssl", "stdlib", "syntax_tools", "tftp", "tools", "wx", "xmerl",
  ]

  public static let elixir: Set<String> = ["eex", "elixir", "ex_unit", "iex", "logger", "mix"]

  public static let all = otp.union(elixir)
}
