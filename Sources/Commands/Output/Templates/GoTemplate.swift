import Formats

/// A template in Go's language of templates, as kubectl's `-o go-template` takes it: fields, variables, pipelines, `if`, `with`, `range` and functions.
///
/// Numbers compare by what they are worth, where Go refuses to compare whole ones with others. `define`, `template` and `block` are not built in: one
/// text is one template.
struct GoTemplate: Sendable {
    /// A piece of a template.
    indirect enum Node: Sendable {
        case text(String)
        case action(Pipeline)
        case choice(Pipeline, then: [Node], otherwise: [Node])
        case with(Pipeline, then: [Node], otherwise: [Node])
        case range(Pipeline, body: [Node], otherwise: [Node])
        case leaveLoop
        case nextRound
    }

    /// `$x := a | b`: each command gets what the one before it made as its last argument.
    struct Pipeline: Sendable {
        var variables: [String] = []
        /// `=` instead of `:=`: the variable exists already.
        var isAssignment = false
        var commands: [[Operand]] = []
    }

    /// What a command is made of.
    indirect enum Operand: Sendable {
        case dot
        case variable(String)
        case function(String)
        case literal(Value)
        case pipeline(Pipeline)
        case field(of: Operand, [String])
    }

    private let nodes: [Node]

    init(_ text: String) throws(CommandError) {
        var parser = GoTemplateParser(text)
        nodes = try parser.template()
    }

    /// A field that is not there is `<no value>`.
    func text(in value: Value) throws(CommandError) -> String {
        var run = Run(variables: [("$", value)])
        _ = try run.render(nodes, dot: value)
        return run.out
    }

    private struct Run {
        var variables: [(name: String, value: Value)]
        var out = ""

        /// How a list of nodes ended: a loop around it looks at that.
        enum End { case reached, leftLoop, nextRound }

        mutating func render(_ nodes: [Node], dot: Value) throws(CommandError) -> End {
            let scope = variables.count
            defer { variables.removeLast(variables.count - scope) }
            for node in nodes {
                switch node {
                case .text(let text): out += text
                case .action(let pipeline):
                    let value = try evaluate(pipeline, dot)
                    if pipeline.variables.isEmpty { out += value.isNull ? "<no value>" : GoText.of(value) }
                case .choice(let pipeline, let then, let otherwise):
                    let end = try scoped { run throws(CommandError) in
                        let isTrue = GoText.isTrue(try run.evaluate(pipeline, dot))
                        return try run.render(isTrue ? then : otherwise, dot: dot)
                    }
                    if end != .reached { return end }
                case .with(let pipeline, let then, let otherwise):
                    let end = try scoped { run throws(CommandError) in
                        let value = try run.evaluate(pipeline, dot)
                        return GoText.isTrue(value) ? try run.render(then, dot: value) : try run.render(otherwise, dot: dot)
                    }
                    if end != .reached { return end }
                case .range(let pipeline, let body, let otherwise):
                    let end = try scoped { run throws(CommandError) in try run.loop(pipeline, body, otherwise, dot) }
                    if end != .reached { return end }
                case .leaveLoop: return .leftLoop
                case .nextRound: return .nextRound
                }
            }
            return .reached
        }

        /// What a block declares ends with it.
        private mutating func scoped(_ body: (inout Run) throws(CommandError) -> End) throws(CommandError) -> End {
            let scope = variables.count
            defer { variables.removeLast(variables.count - scope) }
            return try body(&self)
        }

        private mutating func loop(_ pipeline: Pipeline, _ body: [Node], _ otherwise: [Node], _ dot: Value) throws(CommandError) -> End {
            var plain = pipeline
            plain.variables = []
            let value = try evaluate(plain, dot)
            let rounds: [(Value, Value)]
            switch value {
            case .array(let elements): rounds = elements.enumerated().map { (.int(Int64($0.offset)), $0.element) }
            case .object(let object):
                rounds = object.entries.sorted { $0.key < $1.key }.map { (.string($0.key), $0.value) }
            case .int(let count): rounds = (0..<max(0, min(count, Self.roundLimit))).map { (.int($0), .int($0)) }
            case .null: rounds = []
            default: throw CommandError("go-template: range can't iterate over \(GoText.of(value))")
            }
            if rounds.isEmpty { return try render(otherwise, dot: dot) }
            for (key, element) in rounds {
                let end = try scoped { run throws(CommandError) in
                    switch pipeline.variables.count {
                    case 1: try run.bind(pipeline.variables[0], element, isAssignment: pipeline.isAssignment)
                    case 2:
                        try run.bind(pipeline.variables[0], key, isAssignment: pipeline.isAssignment)
                        try run.bind(pipeline.variables[1], element, isAssignment: pipeline.isAssignment)
                    default: break
                    }
                    return try run.render(body, dot: element)
                }
                if end == .leftLoop { break }
            }
            return .reached
        }

        /// `range 10` counts; more rounds than these nobody means.
        private static let roundLimit: Int64 = 1_000_000

        private mutating func bind(_ name: String, _ value: Value, isAssignment: Bool) throws(CommandError) {
            guard isAssignment else { return variables.append((name, value)) }
            guard let at = variables.lastIndex(where: { $0.name == name }) else { throw undefined(name) }
            variables[at].value = value
        }

        private func undefined(_ name: String) -> CommandError { .usage("go-template: undefined variable \"\(name)\"") }

        mutating func evaluate(_ pipeline: Pipeline, _ dot: Value) throws(CommandError) -> Value {
            var value: Value?
            for command in pipeline.commands { value = try run(command, value, dot) }
            let result = value ?? .null
            if let name = pipeline.variables.first { try bind(name, result, isAssignment: pipeline.isAssignment) }
            return result
        }

        private mutating func run(_ command: [Operand], _ piped: Value?, _ dot: Value) throws(CommandError) -> Value {
            guard case .function(let name) = command[0] else {
                guard command.count == 1, piped == nil else {
                    throw .usage("go-template: can't give an argument to what is no function")
                }
                return try value(of: command[0], dot)
            }
            // These two look at no more than they need.
            if name == "and" || name == "or" {
                var last = Value.null
                for operand in command.dropFirst() {
                    last = try value(of: operand, dot)
                    if GoText.isTrue(last) == (name == "or") { return last }
                }
                return piped ?? last
            }
            var arguments: [Value] = []
            for operand in command.dropFirst() { arguments.append(try value(of: operand, dot)) }
            if let piped { arguments.append(piped) }
            return try GoFunctions.call(name, arguments)
        }

        private mutating func value(of operand: Operand, _ dot: Value) throws(CommandError) -> Value {
            switch operand {
            case .dot: return dot
            case .variable(let name):
                guard let found = variables.last(where: { $0.name == name }) else { throw undefined(name) }
                return found.value
            case .function: return try run([operand], nil, dot)
            case .literal(let value): return value
            case .pipeline(let pipeline): return try evaluate(pipeline, dot)
            case .field(let base, let names):
                var value = try value(of: base, dot)
                for name in names {
                    switch value {
                    case .object(let object): value = object[name] ?? .null
                    case .null: break
                    default: throw CommandError("go-template: can't evaluate field \(name) in \(value.kindWords)")
                    }
                }
                return value
            }
        }
    }
}
