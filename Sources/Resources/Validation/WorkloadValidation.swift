import Formats

/// The rules of Deployments and ReplicaSets.
enum WorkloadValidation {
    static func check(deployment: Value, old: Value?, _ findings: inout Findings) {
        let spec = deployment["spec"]
        let rollback = deployment["metadata"]["annotations"][DeploymentRollback.annotation]
        if let text = rollback.string, !DeploymentRollback.values.contains(text) {
            findings.at("metadata") { $0.unsupported("annotations[\(DeploymentRollback.annotation)]", rollback, DeploymentRollback.values) }
        }
        guard case .object = spec else { return findings.required("spec") }
        findings.at("spec") { findings in
            findings.notNegative("replicas", of: spec)
            checkSelector(spec, kind: "deployment", &findings)
            findings.at("template") { check(template: spec["template"], kind: "Deployment", &$0) }
            findings.at("strategy") { check(strategy: spec["strategy"], &$0) }
            for field in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] { findings.notNegative(field, of: spec) }
            if let deadline = spec["progressDeadlineSeconds"].int, deadline >= 0, deadline <= spec["minReadySeconds"].int ?? 0 {
                findings.invalid("progressDeadlineSeconds", .int(deadline), "must be greater than minReadySeconds")
            }
            if let old { findings.immutable("selector", spec, old["spec"]) }
        }
    }

    static func check(replicaSet: Value, old: Value?, _ findings: inout Findings) {
        let spec = replicaSet["spec"]
        guard case .object = spec else { return findings.required("spec") }
        findings.at("spec") { findings in
            findings.notNegative("replicas", of: spec)
            findings.notNegative("minReadySeconds", of: spec)
            checkSelector(spec, kind: "deployment", &findings)
            findings.at("template") { check(template: spec["template"], kind: "ReplicaSet", &$0) }
            if let old { findings.immutable("selector", spec, old["spec"]) }
        }
    }

    private static func checkSelector(_ spec: Value, kind: String, _ findings: inout Findings) {
        let selector = spec["selector"]
        guard case .object = selector else { return }
        findings.labelSelector("selector", of: spec)
        if selector["matchLabels"].object?.isEmpty ?? true, selector["matchExpressions"].elements.isEmpty {
            return findings.invalid("selector", selector, "empty selector is invalid for \(kind)")
        }
        let labels = spec["template"]["metadata"]["labels"]
        if !LabelSelector(object: selector).matches(labels.stringMap) {
            findings.at("template") { findings in
                findings.at("metadata") {
                    $0.invalid("labels", labels.isNull ? [:] : labels, "`selector` does not match template `labels`")
                }
            }
        }
    }

    private static func check(template: Value, kind: String, _ findings: inout Findings) {
        guard case .object = template else { return }
        findings.at("metadata") { $0.labels("labels", of: template["metadata"]) }
        let spec = template["spec"]
        guard case .object = spec else { return findings.required("spec") }
        findings.at("spec") { findings in
            PodValidation.check(spec: spec, &findings)
            if let policy = spec["restartPolicy"].string, policy != "Always", ["Never", "OnFailure"].contains(policy) {
                findings.unsupported("restartPolicy", spec["restartPolicy"], ["Always"])
            }
            if !spec["activeDeadlineSeconds"].isNull {
                findings.forbidden("activeDeadlineSeconds", "activeDeadlineSeconds in \(kind) is not Supported")
            }
        }
    }

    private static func check(strategy: Value, _ findings: inout Findings) {
        let rolling = strategy["rollingUpdate"]
        if strategy["type"] == "Recreate" {
            if !rolling.isNull { findings.forbidden("rollingUpdate", "may not be specified when strategy `type` is 'Recreate'") }
            return
        }
        guard case .object = rolling else { return }
        findings.at("rollingUpdate") { findings in
            var isWhole = true
            for field in ["maxUnavailable", "maxSurge"] where !findings.share(field, of: rolling, upToWhole: field == "maxUnavailable") {
                isWhole = false
            }
            if isWhole, isZero(rolling["maxUnavailable"]), isZero(rolling["maxSurge"]) {
                findings.invalid("maxUnavailable", rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
            }
        }
    }

    private static func isZero(_ value: Value) -> Bool {
        switch IntOrPercent(value) {
        case .count(let count)?: count == 0
        case .percent(let percent)?: percent == 0
        case nil: false
        }
    }
}

/// The rules of PodDisruptionBudgets.
enum DisruptionBudgetValidation {
    static func check(_ budget: Value, _ findings: inout Findings) {
        let spec = budget["spec"]
        findings.at("spec") { findings in
            if !spec["minAvailable"].isNull, !spec["maxUnavailable"].isNull {
                findings.invalid(nil, spec, "minAvailable and maxUnavailable cannot be both set")
            }
            findings.share("minAvailable", of: spec, upToWhole: true)
            findings.share("maxUnavailable", of: spec, upToWhole: true)
            if !spec["selector"].isNull { findings.labelSelector("selector", of: spec) }
        }
    }
}
