import CommandLine
import Events

let context = Context.process(program: "relpack")
let words = Array(Swift.CommandLine.arguments.dropFirst())
context.run { () throws(Cause) in try Relpack(context: context).run(words) }
