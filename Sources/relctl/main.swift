import CommandLine
import Events

let context = Context.process(program: "relctl")
let words = Array(Swift.CommandLine.arguments.dropFirst())
context.run { () throws(Cause) in try Command.run(words, context) }
