import Resources

/// The flags of every verb that deletes: how dependents fare, and how long pods get to end.
enum Deletion {
    static let gracePeriod = Flag(
        "grace-period", nil, .value(placeholder: "SECONDS"), "time that deleted pods get to end (default: their own)")
    static let cascade = Flag(
        "cascade", nil, .optionalValue(placeholder: "background|foreground|orphan", alone: "background"),
        "what happens to dependents of what is deleted (default: background)")

    static func options(_ invocation: Invocation) throws(CommandError) -> DeleteOptions {
        var out = DeleteOptions(propagation: .background)
        switch invocation.value("cascade") ?? "background" {
        case "background", "true": break
        case "foreground": out.propagation = .foreground
        case "orphan", "false": out.propagation = .orphan
        case let other: throw .usage("--cascade: found \"\(other)\", allowed are background, foreground, orphan")
        }
        if let seconds = try invocation.integer("grace-period", in: -1...86_400), seconds >= 0 { out.gracePeriodSeconds = Int64(seconds) }
        return out
    }
}
