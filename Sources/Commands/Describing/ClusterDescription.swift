import Formats
import Resources
import Timing

/// `describe` of nodes and of configuration.
extension Description {
    mutating func node(_ node: Value, _ lease: Value, _ pods: [Value], now: Timestamp) {
        let (meta, spec, status) = (node["metadata"], node["spec"], node["status"])
        field("Name", node.name)
        field("Roles", "<none>")
        labels("Labels", meta["labels"].stringMap)
        annotations(meta["annotations"].stringMap)
        field("CreationTimestamp", Self.time(meta["creationTimestamp"]))
        entries(
            "Taints",
            spec["taints"].elements.map { taint in
                let value = taint["value"].plainText
                return "\(taint["key"].plainText)\(value.isEmpty ? "" : "=" + value):\(taint["effect"].plainText)"
            })
        field("Unschedulable", "\(spec["unschedulable"].bool ?? false)")
        line(0, "Lease:")
        let hold = lease["spec"]
        field("HolderIdentity", hold["holderIdentity"].string ?? "<unset>", level: 1)
        field("AcquireTime", hold["acquireTime"].isNull ? "<unset>" : Self.time(hold["acquireTime"]), level: 1)
        field("RenewTime", hold["renewTime"].isNull ? "<unset>" : Self.time(hold["renewTime"]), level: 1)
        line(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage")
        line(1, "----\t------\t-----------------\t------------------\t------\t-------")
        for condition in status["conditions"].elements {
            line(
                1,
                "\(condition["type"].plainText) \t\(condition["status"].plainText) \t\(Self.time(condition["lastHeartbeatTime"])) \t"
                    + "\(Self.time(condition["lastTransitionTime"])) \t\(condition["reason"].plainText) \t\(condition["message"].plainText)"
            )
        }
        line(0, "Addresses:")
        for address in status["addresses"].elements { field(address["type"].plainText, address["address"].plainText, level: 1) }
        for (title, key) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
            line(0, title + ":")
            for entry in (status[key].object?.entries ?? []).sorted(by: { $0.key < $1.key }) {
                field(entry.key, entry.value.plainText, level: 1)
            }
        }
        line(0, "System Info:")
        for (title, key) in [
            ("Machine ID", "machineID"), ("System UUID", "systemUUID"), ("Boot ID", "bootID"), ("Kernel Version", "kernelVersion"),
            ("OS Image", "osImage"), ("Operating System", "operatingSystem"),
            ("Architecture", "architecture"), ("Container Runtime Version", "containerRuntimeVersion"),
            ("Kubelet Version", "kubeletVersion"),
        ] { field(title, status["nodeInfo"][key].plainText, level: 1) }
        field("PodCIDR", spec["podCIDR"].plainText)
        field("PodCIDRs", spec["podCIDRs"].elements.map(\.plainText).joined(separator: ","))
        livingPods(pods, status["allocatable"], now: now)
    }

    private mutating func livingPods(_ pods: [Value], _ allocatable: Value, now: Timestamp) {
        let living = pods.filter { !["Succeeded", "Failed"].contains($0["status"]["phase"].string ?? "") }
        field("Non-terminated Pods", "(\(living.count) in total)")
        line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge")
        line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---")
        /// `250m (12%)`: of what the node has.
        func share(_ amounts: [String: Quantity], _ resource: String) -> String {
            let amount = amounts[resource] ?? .zero
            let whole = Quantity(allocatable[resource].plainText)?.nanos ?? 0
            return "\(amount) (\(whole > 0 ? amount.nanos * 100 / whole : 0)%)"
        }
        var (allRequests, allLimits): ([String: Quantity], [String: Quantity]) = ([:], [:])
        for pod in living {
            let spec = PodSpec(pod["spec"])
            let (requests, limits) = (spec.requests, spec.limits)
            allRequests.merge(requests, uniquingKeysWith: +)
            allLimits.merge(limits, uniquingKeysWith: +)
            line(
                1,
                "\(pod.namespaceName)\t\(pod.name)\t\t\(share(requests, "cpu"))\t\(share(limits, "cpu"))\t\(share(requests, "memory"))\t"
                    + "\(share(limits, "memory"))\t\(Self.age(pod["metadata"]["creationTimestamp"], now))")
        }
        line(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)")
        line(1, "Resource\tRequests\tLimits\n  --------\t--------\t------")
        for resource in ["cpu", "memory", "ephemeral-storage"] {
            line(1, "\(resource)\t\(share(allRequests, resource))\t\(share(allLimits, resource))")
        }
    }

    /// Namespaces, ConfigMaps and Secrets.
    mutating func configuration(_ type: ResourceType, _ object: Value) {
        let meta = object["metadata"]
        field("Name", object.name)
        if type.isNamespaced { field("Namespace", object.namespaceName) }
        labels("Labels", meta["labels"].stringMap)
        annotations(meta["annotations"].stringMap)
        switch type {
        case .namespaces: field("Status", object["status"]["phase"].plainText)
        case .configMaps:
            line(0, "\nData\n====")
            for (key, value) in object["data"].stringMap.sorted(by: { $0.key < $1.key }) { line(0, "\(key):\n----\n\(value)\n") }
            line(0, "\nBinaryData\n====")
            for (key, value) in object["binaryData"].stringMap.sorted(by: { $0.key < $1.key }) {
                line(0, "\(key): \(Base64.decode(value)?.count ?? 0) bytes")
            }
            line(0, "")
        case .secrets:
            line(0, "\nType:  \(object["type"].plainText)\n\nData\n====")
            for (key, value) in object["data"].stringMap.sorted(by: { $0.key < $1.key }) {
                line(0, "\(key):\t\(Base64.decode(value)?.count ?? 0) bytes")
            }
        default: break
        }
    }
}
