extension ProtobufSchema {
    /// The bodies that Kubernetes' clients send as protobuf, for the kinds served here.
    ///
    /// From the `generated.proto` files of Kubernetes' API, version 1.33. Left out: statuses, which clients do not write, and the volume sources
    /// of clouds; unknown fields are skipped. To serve another kind add its messages here.
    package static let kubernetes = ProtobufSchema(kubernetesMessages)
}

private let kubernetesMessages = """
    DeleteOptions 1 gracePeriodSeconds:i 2 preconditions:Preconditions 3 orphanDependents:B 4 propagationPolicy 5 dryRun:[s]
        6 ignoreStoreReadErrorWithClusterBreakingPotential:B
    Preconditions 1 uid 2 resourceVersion
    ConfigMap 1 metadata:ObjectMeta 2 data:{s} 3 binaryData:{b} 4 immutable:B
    ObjectMeta 1 name 2 generateName 3 namespace 4 selfLink 5 uid 6 resourceVersion 7 generation:i 8 creationTimestamp:T
        9 deletionTimestamp:T 10 deletionGracePeriodSeconds:i 11 labels:{s} 12 annotations:{s} 13 ownerReferences:[OwnerReference]
        14 finalizers:[s]
    OwnerReference 1 kind 3 name 4 uid 5 apiVersion 6 controller:B 7 blockOwnerDeletion:B
    Secret 1 metadata:ObjectMeta 2 data:{b} 3 type 4 stringData:{s} 5 immutable:B
    Namespace 1 metadata:ObjectMeta 2 spec:NamespaceSpec
    NamespaceSpec 1 finalizers:[s]
    Pod 1 metadata:ObjectMeta 2 spec:PodSpec
    PodSpec 1 volumes:[Volume] 2 containers:[Container] 3 restartPolicy 4 terminationGracePeriodSeconds:i 5 activeDeadlineSeconds:i
        6 dnsPolicy 7 nodeSelector:{s} 8 serviceAccountName 9 serviceAccount 10 nodeName 11 hostNetwork:B 12 hostPID:B 13 hostIPC:B
        14 securityContext:PodSecurityContext 15 imagePullSecrets:[LocalObjectReference] 16 hostname 17 subdomain 18 affinity:Affinity
        19 schedulerName 20 initContainers:[Container] 21 automountServiceAccountToken:B 22 tolerations:[Toleration]
        23 hostAliases:[HostAlias] 24 priorityClassName 25 priority:i 26 dnsConfig:PodDNSConfig 27 shareProcessNamespace:B
        28 readinessGates:[PodReadinessGate] 29 runtimeClassName 30 enableServiceLinks:B 31 preemptionPolicy 32 overhead:{Q}
        33 topologySpreadConstraints:[TopologySpreadConstraint] 34 ephemeralContainers:[EphemeralContainer] 35 setHostnameAsFQDN:B
        36 os:PodOS 37 hostUsers:B 38 schedulingGates:[PodSchedulingGate] 40 resources:ResourceRequirements
    Volume 1 name 2 ^volumeSource:VolumeSource
    VolumeSource 1 hostPath:HostPathVolumeSource 2 emptyDir:EmptyDirVolumeSource 6 secret:SecretVolumeSource 7 nfs:NFSVolumeSource
        10 persistentVolumeClaim:PersistentVolumeClaimVolumeSource 16 downwardAPI:DownwardAPIVolumeSource
        19 configMap:ConfigMapVolumeSource 26 projected:ProjectedVolumeSource 30 image:ImageVolumeSource
    HostPathVolumeSource 1 path 2 type
    EmptyDirVolumeSource 1 medium 2 sizeLimit:Q
    SecretVolumeSource 1 secretName 2 items:[KeyToPath] 3 defaultMode:i 4 optional:B
    KeyToPath 1 key 2 path 3 mode:i
    NFSVolumeSource 1 server 2 path 3 readOnly:B
    PersistentVolumeClaimVolumeSource 1 claimName 2 readOnly:B
    DownwardAPIVolumeSource 1 items:[DownwardAPIVolumeFile] 2 defaultMode:i
    DownwardAPIVolumeFile 1 path 2 fieldRef:ObjectFieldSelector 3 resourceFieldRef:ResourceFieldSelector 4 mode:i
    ObjectFieldSelector 1 apiVersion 2 fieldPath
    ResourceFieldSelector 1 containerName 2 resource 3 divisor:Q
    ConfigMapVolumeSource 1 ^localObjectReference:LocalObjectReference 2 items:[KeyToPath] 3 defaultMode:i 4 optional:B
    LocalObjectReference 1 name
    ProjectedVolumeSource 1 sources:[VolumeProjection] 2 defaultMode:i
    VolumeProjection 1 secret:SecretProjection 3 configMap:ConfigMapProjection 4 serviceAccountToken:ServiceAccountTokenProjection
    SecretProjection 1 ^localObjectReference:LocalObjectReference 2 items:[KeyToPath] 4 optional:B
    ConfigMapProjection 1 ^localObjectReference:LocalObjectReference 2 items:[KeyToPath] 4 optional:B
    ServiceAccountTokenProjection 1 audience 2 expirationSeconds:i 3 path
    ImageVolumeSource 1 reference 2 pullPolicy
    Container 1 name 2 image 3 command:[s] 4 args:[s] 5 workingDir 6 ports:[ContainerPort] 7 env:[EnvVar]
        8 resources:ResourceRequirements 9 volumeMounts:[VolumeMount] 10 livenessProbe:Probe 11 readinessProbe:Probe
        12 lifecycle:Lifecycle 13 terminationMessagePath 14 imagePullPolicy 15 securityContext:SecurityContext 16 stdin:B
        17 stdinOnce:B 18 tty:B 19 envFrom:[EnvFromSource] 20 terminationMessagePolicy 21 volumeDevices:[VolumeDevice]
        22 startupProbe:Probe 24 restartPolicy
    ContainerPort 1 name 2 hostPort:i 3 containerPort:i 4 protocol 5 hostIP
    EnvVar 1 name 2 value 3 valueFrom:EnvVarSource
    EnvVarSource 1 fieldRef:ObjectFieldSelector 2 resourceFieldRef:ResourceFieldSelector 3 configMapKeyRef:ConfigMapKeySelector
        4 secretKeyRef:SecretKeySelector
    ConfigMapKeySelector 1 ^localObjectReference:LocalObjectReference 2 key 3 optional:B
    SecretKeySelector 1 ^localObjectReference:LocalObjectReference 2 key 3 optional:B
    ResourceRequirements 1 limits:{Q} 2 requests:{Q}
    VolumeMount 1 name 2 readOnly:B 3 mountPath 4 subPath 5 mountPropagation 6 subPathExpr 7 recursiveReadOnly
    Probe 1 ^handler:ProbeHandler 2 initialDelaySeconds:i 3 timeoutSeconds:i 4 periodSeconds:i 5 successThreshold:i
        6 failureThreshold:i 7 terminationGracePeriodSeconds:i
    ProbeHandler 1 exec:ExecAction 2 httpGet:HTTPGetAction 3 tcpSocket:TCPSocketAction 4 grpc:GRPCAction
    ExecAction 1 command:[s]
    HTTPGetAction 1 path 2 port:I 3 host 4 scheme 5 httpHeaders:[HTTPHeader]
    HTTPHeader 1 name 2 value
    TCPSocketAction 1 port:I 2 host
    GRPCAction 1 port:i 2 service
    Lifecycle 1 postStart:LifecycleHandler 2 preStop:LifecycleHandler 3 stopSignal
    LifecycleHandler 1 exec:ExecAction 2 httpGet:HTTPGetAction 3 tcpSocket:TCPSocketAction 4 sleep:SleepAction
    SleepAction 1 seconds:i
    SecurityContext 1 capabilities:Capabilities 2 privileged:B 4 runAsUser:i 5 runAsNonRoot:B 6 readOnlyRootFilesystem:B
        7 allowPrivilegeEscalation:B 8 runAsGroup:i 9 procMount
    Capabilities 1 add:[s] 2 drop:[s]
    EnvFromSource 1 prefix 2 configMapRef:ConfigMapEnvSource 3 secretRef:SecretEnvSource
    ConfigMapEnvSource 1 ^localObjectReference:LocalObjectReference 2 optional:B
    SecretEnvSource 1 ^localObjectReference:LocalObjectReference 2 optional:B
    VolumeDevice 1 name 2 devicePath
    PodSecurityContext 2 runAsUser:i 3 runAsNonRoot:B 4 supplementalGroups:[i] 5 fsGroup:i 6 runAsGroup:i 9 fsGroupChangePolicy
        12 supplementalGroupsPolicy 13 seLinuxChangePolicy
    Affinity 1 nodeAffinity:NodeAffinity 2 podAffinity:PodAffinity 3 podAntiAffinity:PodAntiAffinity
    NodeAffinity 1 requiredDuringSchedulingIgnoredDuringExecution:NodeSelector
        2 preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm]
    NodeSelector 1 nodeSelectorTerms:[NodeSelectorTerm]
    NodeSelectorTerm 1 matchExpressions:[NodeSelectorRequirement] 2 matchFields:[NodeSelectorRequirement]
    NodeSelectorRequirement 1 key 2 operator 3 values:[s]
    PreferredSchedulingTerm 1 weight:i 2 preference:NodeSelectorTerm
    PodAffinity 1 requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]
        2 preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]
    PodAffinityTerm 1 labelSelector:LabelSelector 2 namespaces:[s] 3 topologyKey 4 namespaceSelector:LabelSelector
        5 matchLabelKeys:[s] 6 mismatchLabelKeys:[s]
    LabelSelector 1 matchLabels:{s} 2 matchExpressions:[LabelSelectorRequirement]
    LabelSelectorRequirement 1 key 2 operator 3 values:[s]
    WeightedPodAffinityTerm 1 weight:i 2 podAffinityTerm:PodAffinityTerm
    PodAntiAffinity 1 requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]
        2 preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]
    Toleration 1 key 2 operator 3 value 4 effect 5 tolerationSeconds:i
    HostAlias 1 ip 2 hostnames:[s]
    PodDNSConfig 1 nameservers:[s] 2 searches:[s] 3 options:[PodDNSConfigOption]
    PodDNSConfigOption 1 name 2 value
    PodReadinessGate 1 conditionType
    TopologySpreadConstraint 1 maxSkew:i 2 topologyKey 3 whenUnsatisfiable 4 labelSelector:LabelSelector 5 minDomains:i
        6 nodeAffinityPolicy 7 nodeTaintsPolicy 8 matchLabelKeys:[s]
    EphemeralContainer 1 ^ephemeralContainerCommon:EphemeralContainerCommon 2 targetContainerName
    EphemeralContainerCommon 1 name 2 image 3 command:[s] 4 args:[s] 5 workingDir 6 ports:[ContainerPort] 7 env:[EnvVar]
        8 resources:ResourceRequirements 9 volumeMounts:[VolumeMount] 10 livenessProbe:Probe 11 readinessProbe:Probe
        12 lifecycle:Lifecycle 13 terminationMessagePath 14 imagePullPolicy 15 securityContext:SecurityContext 16 stdin:B
        17 stdinOnce:B 18 tty:B 19 envFrom:[EnvFromSource] 20 terminationMessagePolicy 21 volumeDevices:[VolumeDevice]
        22 startupProbe:Probe 24 restartPolicy
    PodOS 1 name
    PodSchedulingGate 1 name
    Service 1 metadata:ObjectMeta 2 spec:ServiceSpec
    ServiceSpec 1 ports:[ServicePort] 2 selector:{s} 3 clusterIP 4 type 5 externalIPs:[s] 7 sessionAffinity 8 loadBalancerIP
        9 loadBalancerSourceRanges:[s] 10 externalName 11 externalTrafficPolicy 12 healthCheckNodePort:i 13 publishNotReadyAddresses:B
        14 sessionAffinityConfig:SessionAffinityConfig 17 ipFamilyPolicy 18 clusterIPs:[s] 19 ipFamilies:[s]
        20 allocateLoadBalancerNodePorts:B 21 loadBalancerClass 22 internalTrafficPolicy 23 trafficDistribution
    ServicePort 1 name 2 protocol 3 port:i 4 targetPort:I 5 nodePort:i 6 appProtocol
    SessionAffinityConfig 1 clientIP:ClientIPConfig
    ClientIPConfig 1 timeoutSeconds:i
    apps.v1.Deployment 1 metadata:ObjectMeta 2 spec:DeploymentSpec
    apps.v1.DeploymentSpec 1 replicas:i 2 selector:LabelSelector 3 template:PodTemplateSpec 4 strategy:DeploymentStrategy
        5 minReadySeconds:i 6 revisionHistoryLimit:i 7 paused:B 9 progressDeadlineSeconds:i
    PodTemplateSpec 1 metadata:ObjectMeta 2 spec:PodSpec
    apps.v1.DeploymentStrategy 1 type 2 rollingUpdate:RollingUpdateDeployment
    apps.v1.RollingUpdateDeployment 1 maxUnavailable:I 2 maxSurge:I
    apps.v1.ReplicaSet 1 metadata:ObjectMeta 2 spec:ReplicaSetSpec
    apps.v1.ReplicaSetSpec 1 replicas:i 2 selector:LabelSelector 3 template:PodTemplateSpec 4 minReadySeconds:i
    discovery.v1.EndpointSlice 1 metadata:ObjectMeta 2 endpoints:[Endpoint] 3 ports:[EndpointPort] 4 addressType
    discovery.v1.Endpoint 1 addresses:[s] 2 conditions:EndpointConditions 3 hostname 4 targetRef:ObjectReference
        5 deprecatedTopology:{s} 6 nodeName 7 zone 8 hints:EndpointHints
    discovery.v1.EndpointConditions 1 ready:B 2 serving:B 3 terminating:B
    ObjectReference 1 kind 2 namespace 3 name 4 uid 5 apiVersion 6 resourceVersion 7 fieldPath
    discovery.v1.EndpointHints 1 forZones:[ForZone] 2 forNodes:[ForNode]
    discovery.v1.ForZone 1 name
    discovery.v1.ForNode 1 name
    discovery.v1.EndpointPort 1 name 2 protocol 3 port:i 4 appProtocol
    coordination.v1.Lease 1 metadata:ObjectMeta 2 spec:LeaseSpec
    coordination.v1.LeaseSpec 1 holderIdentity 2 leaseDurationSeconds:i 3 acquireTime:U 4 renewTime:U 5 leaseTransitions:i 6 strategy
        7 preferredHolder
    autoscaling.v1.Scale 1 metadata:ObjectMeta 2 spec:ScaleSpec
    autoscaling.v1.ScaleSpec 1 replicas:i
    authorization.v1.SelfSubjectAccessReview 1 metadata:ObjectMeta 2 spec:SelfSubjectAccessReviewSpec
    authorization.v1.SelfSubjectAccessReviewSpec 1 resourceAttributes:ResourceAttributes 2 nonResourceAttributes:NonResourceAttributes
    authorization.v1.ResourceAttributes 1 namespace 2 verb 3 group 4 version 5 resource 6 subresource 7 name
    authorization.v1.NonResourceAttributes 1 path 2 verb
    authorization.v1.SelfSubjectRulesReview 1 metadata:ObjectMeta 2 spec:SelfSubjectRulesReviewSpec
    authorization.v1.SelfSubjectRulesReviewSpec 1 namespace
    authentication.v1.SelfSubjectReview 1 metadata:ObjectMeta
    policy.v1.PodDisruptionBudget 1 metadata:ObjectMeta 2 spec:PodDisruptionBudgetSpec
    policy.v1.PodDisruptionBudgetSpec 1 minAvailable:I 2 selector:LabelSelector 3 maxUnavailable:I 4 unhealthyPodEvictionPolicy
    policy.v1.Eviction 1 metadata:ObjectMeta 2 deleteOptions:DeleteOptions
    """
