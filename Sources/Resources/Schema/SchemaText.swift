/// The fields of every kind as text, one message or field a line; `SchemaTable` reads it once.
///
/// A line without indent names a message. A field line is `name flags type =quiet | description`:
/// - `!` after the name: required; `~`: known, kept, but nothing acts on it yet (`apply` warns, unless it has the quiet value after `=`);
/// - types: `string int long number bool quantity intOrString time microTime bytes any`, `string(A B)` for an enumeration, `{T}` for a map,
///   `[T]` for a list that patches replace, `[T by key]` and `[T set]` for lists that strategic merges join, `[T kept]` for one that is written
///   even when empty, or the name of a message;
/// - `retainKeys` or `replace` after a type: how a strategic merge treats the object (Kubernetes' patch strategies).
enum SchemaText {
    static let all = [meta, pod, container, volume, placement, podStatus, workload, service, cluster, configuration, steady]

    static let meta = """
        ObjectMeta | Names the object and says where it belongs.
          name string | The object's name, unique in its namespace for its kind.
          generateName string | A prefix; the server appends five random characters where no name is given.
          namespace string | The room for names that the object lives in.
          selfLink string
          uid string | Given by the server; another object under the same name has another one.
          resourceVersion string | The revision of the object's last change.
          generation long | Counts the changes of spec.
          creationTimestamp time | When the server stored it first.
          deletionTimestamp time | When its deletion was asked for, plus the grace period.
          deletionGracePeriodSeconds long | How long it has for a graceful end.
          labels {string} | Short values that selectors match.
          annotations {string} | Free texts that tools keep with the object.
          ownerReferences [OwnerReference by uid] | What it belongs to; when all of them are gone, so is it.
          finalizers [string set] | Who must agree before it is removed.
          managedFields [any]
        OwnerReference | Points at the object that this one belongs to.
          apiVersion! string
          kind! string
          name! string
          uid! string
          controller bool | The one owner that manages this object.
          blockOwnerDeletion bool | A foreground deletion of the owner waits for this object.
        LabelSelector | Chooses objects by their labels; all requirements must hold.
          matchLabels {string} | Labels that must have exactly these values.
          matchExpressions [LabelSelectorRequirement] | Requirements with operators.
        LabelSelectorRequirement
          key! string | The label.
          operator! string(In NotIn Exists DoesNotExist)
          values [string] | For In and NotIn.
        LocalObjectReference
          name string | Of an object in the same namespace.
        ObjectReference
          kind string
          namespace string
          name string
          uid string
          apiVersion string
          resourceVersion string
          fieldPath string
        Condition | Something that is true, false or not known, and since when.
          type! string
          status! string(True False Unknown)
          observedGeneration long
          lastHeartbeatTime time
          lastProbeTime time
          lastUpdateTime time
          lastTransitionTime time | When status last changed.
          reason string | One word for machines.
          message string | A sentence for people.
          observedRevision string | For steady.dev/Withdrawn: the route revision that proxies must have reached.
        """
}
