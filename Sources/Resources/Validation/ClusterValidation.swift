import Formats

/// The rules of Nodes, Leases, Events and Images.
enum ClusterValidation {
    static func check(node: Value, old: Value?, _ findings: inout Findings) {
        findings.at("spec") { findings in
            let spec = node["spec"]
            var seen: Set<[String]> = []
            findings.each("taints", of: spec) { findings, taint in
                findings.name("key", of: taint, Names.qualifiedNameProblem)
                findings.name("value", of: taint, Names.labelValueProblem)
                if !seen.insert([taint["key"].string ?? "", taint["effect"].string ?? ""]).inserted { findings.duplicate(nil, taint) }
            }
            guard let old, let before = old["spec"]["podCIDR"].string, !before.isEmpty, spec["podCIDR"] != old["spec"]["podCIDR"] else {
                return
            }
            findings.forbidden("podCIDR", "node updates may not change podCIDR except from \"\" to valid")
        }
    }

    static func check(lease: Value, _ findings: inout Findings) {
        findings.at("spec") { findings in
            if let duration = lease["spec"]["leaseDurationSeconds"].int, duration <= 0 {
                findings.invalid("leaseDurationSeconds", .int(duration), "must be greater than 0")
            }
            findings.notNegative("leaseTransitions", of: lease["spec"])
        }
    }

    static func check(event: Value, _ findings: inout Findings) {
        let namespace = event["metadata"]["namespace"].string ?? ""
        let involved = event["involvedObject"]["namespace"].string ?? ""
        let isRight = involved.isEmpty ? namespace == "default" || namespace == "kube-system" || namespace.isEmpty : involved == namespace
        if !isRight { findings.at("involvedObject") { $0.invalid("namespace", .string(involved), "does not match event.namespace") } }
    }

    /// A program is named by its absolute path or, to be looked up in PATH, by its bare name.
    static func check(image: Value, _ findings: inout Findings) {
        let spec = image["spec"]
        guard case .object = spec else { return }
        let remedy = "must be an absolute path (steady apply makes a relative one absolute, from the manifest's folder)"
        findings.at("spec") { findings in
            let command = spec["command"].elements
            if command.isEmpty {
                findings.required("command", "the program to start, by its absolute path")
            } else if let program = command[0].string {
                let isRelative = program.contains("/") && !program.hasPrefix("/")
                if program.isEmpty || isRelative {
                    findings.at("command") { findings in findings.atIndex(0) { $0.invalid(nil, .string(program), remedy) } }
                }
            }
            if let folder = spec["workingDir"].string, !folder.isEmpty, !folder.hasPrefix("/") {
                findings.invalid("workingDir", .string(folder), remedy)
            }
            if let reference = spec["reference"].string, reference.contains(where: { $0.isWhitespace }) {
                findings.invalid("reference", .string(reference), "must not contain white space")
            }
            findings.each("env", of: spec) { findings, variable in
                findings.name("name", of: variable, Names.environmentNameProblem)
                if !variable["valueFrom"].isNull { findings.forbidden("valueFrom", "an Image knows no pod; use value") }
            }
            findings.each("ports", of: spec) { $0.port("containerPort", of: $1) }
        }
    }
}
