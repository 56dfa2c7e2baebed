{{/* Environment of the worker's two containers; docs/settings.md says what each
     variable does. */}}

{{- define "cuttle.env.common" -}}
- name: OCTOPUS__K8STENTACLE__NAMESPACE
  value: {{ .Release.Namespace | quote }}
- name: OCTOPUS__K8STENTACLE__HELMRELEASENAME
  value: {{ .Release.Name | quote }}
- name: OCTOPUS__K8STENTACLE__HELMCHARTVERSION
  value: {{ .Values.cuttle.reported.chartVersion | quote }}
- name: OCTOPUS__K8STENTACLE__PODSERVICEACCOUNTNAME
  value: {{ include "cuttle.scripts.serviceAccount" . | quote }}
- name: OCTOPUS__K8STENTACLE__PODVOLUMECLAIMNAME
  value: {{ include "cuttle.claim" . | quote }}
- name: OCTOPUS__K8STENTACLE__PERSISTENTVOLUMESIZE
  value: {{ .Values.persistence.size | quote }}
- name: OCTOPUS__TENTACLE__LOGLEVEL
  value: {{ .Values.agent.logLevel | quote }}
- name: TentacleHome
  value: "/octopus"
- name: TentacleApplications
  value: "/octopus/Applications"
{{- with .Values.cuttle.reported.tentacleVersion }}
- name: TentacleVersion
  value: {{ . | quote }}
{{- end }}
- name: TentaclePollingConnectionCount
  value: {{ include "cuttle.text" .Values.agent.pollingConnectionCount | quote }}
- name: ServerCommsAddress
  value: {{ .Values.agent.serverCommsAddress | quote }}
- name: ServerCommsAddresses
  value: {{ join "," .Values.agent.serverCommsAddresses | quote }}
{{- with .Values.agent.pollingProxy }}
{{- if .host }}
- name: TentaclePollingProxyHost
  value: {{ .host | quote }}
- name: TentaclePollingProxyPort
  value: {{ include "cuttle.text" .port | quote }}
- name: TentaclePollingProxyUsername
  value: {{ .username | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The init container: who the worker is, and where it registers. */}}
{{- define "cuttle.env.register" -}}
{{- $agent := .Values.agent -}}
- name: ACCEPT_EULA
  value: {{ $agent.acceptEula | quote }}
- name: AgentName
  # (a pod's name, which the stock worker takes, changes with each pod)
  value: {{ $agent.name | default .Release.Name | quote }}
- name: ServerUrl
  value: {{ $agent.serverUrl | default .Values.global.serverApiUrl | quote }}
- name: Space
  value: {{ $agent.space | quote }}
{{- with $agent.machinePolicyName }}
- name: MachinePolicy
  value: {{ . | quote }}
{{- end }}
- name: WorkerEnabled
  value: "true"
- name: DeploymentTargetEnabled
  value: "false"
{{- with $agent.worker.initial.workerPools }}
- name: WorkerPools
  value: {{ join "," . | quote }}
{{- end }}
{{- with $agent.serverSubscriptionId }}
- name: ServerSubscriptionId
  value: {{ . | quote }}
{{- end }}
- name: CUTTLE_REGISTER_EXISTING
  value: {{ .Values.cuttle.registration.existing | quote }}
- name: CUTTLE_AUTH_DIR
  value: "/etc/cuttle/auth"
{{- end }}

{{/* The worker itself: how script pods look. */}}
{{- define "cuttle.env.run" -}}
{{- $pods := .Values.scriptPods -}}
{{- if and .Values.agent.pollingProxy.host .Values.agent.pollingProxy.password }}
- name: TentaclePollingProxyPassword
  valueFrom:
    secretKeyRef:
      name: {{ include "cuttle.name" . }}-tentacle-server-auth
      key: polling-proxy-password
{{- end }}
- name: OCTOPUS__K8STENTACLE__KUBERNETESMONITORENABLED
  # (this chart does not install it)
  value: "false"
- name: OCTOPUS__K8STENTACLE__ACCESSMODESJSON
  value: {{ .Values.persistence.accessModes | toJson | quote }}
- name: OCTOPUS__K8STENTACLE__ENABLEMETRICSCAPTURE
  value: {{ .Values.agent.enableMetricsCapture | quote }}
- name: OCTOPUS__K8STENTACLE__DISABLEAUTOPODCLEANUP
  value: {{ .Values.agent.debug.disableAutoPodCleanup | quote }}
- name: OCTOPUS__K8STENTACLE__DISABLEPODEVENTSINTASKLOG
  value: {{ $pods.logging.disablePodEventsInTaskLog | quote }}
{{- with $pods.pendingPodsTimeoutMinutes }}
- name: OCTOPUS__K8STENTACLE__PENDINGPODSSTUCKAFTERMINUTES
  value: {{ include "cuttle.text" . | quote }}
{{- end }}
{{- with $pods.worker.image.repository }}
- name: OCTOPUS__K8STENTACLE__SCRIPTPODIMAGE
  value: {{ . | quote }}
{{- end }}
{{- with $pods.worker.image.tag }}
- name: OCTOPUS__K8STENTACLE__SCRIPTPODIMAGETAG
  value: {{ include "cuttle.text" . | quote }}
{{- end }}
{{- with $pods.worker.image.pullPolicy }}
- name: OCTOPUS__K8STENTACLE__SCRIPTPODPULLPOLICY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.imagePullSecrets }}
{{- $names := list }}
{{- range . }}{{ $names = append $names .name }}{{ end }}
- name: OCTOPUS__K8STENTACLE__PODIMAGEPULLSECRETNAMES
  value: {{ join "," $names | quote }}
{{- end }}
{{- if or $pods.proxies.http_proxy $pods.proxies.https_proxy $pods.proxies.no_proxy }}
- name: OCTOPUS__K8STENTACLE__PODPROXIESSECRETNAME
  value: "scripts-proxies"
{{- end }}
- name: OCTOPUS__K8STENTACLE__PODRESOURCEJSON
  value: {{ $pods.resources | toJson | quote }}
- name: OCTOPUS__K8STENTACLE__PODAFFINITYJSON
  value: {{ $pods.affinity | toJson | quote }}
{{- with $pods.tolerations }}
- name: OCTOPUS__K8STENTACLE__PODTOLERATIONSJSON
  value: {{ toJson . | quote }}
{{- end }}
{{- with include "cuttle.scripts.podSecurity" . }}
- name: OCTOPUS__K8STENTACLE__PODSECURITYCONTEXTJSON
  value: {{ . | quote }}
{{- end }}
{{- with include "cuttle.scripts.containerSecurity" . }}
- name: CUTTLE_POD_CONTAINER_SECURITY_CONTEXT
  value: {{ . | quote }}
{{- end }}
{{- with $pods.metadata.annotations }}
- name: OCTOPUS__K8STENTACLE__PODANNOTATIONSJSON
  value: {{ toJson . | quote }}
{{- end }}
{{- with $pods.metadata.labels }}
- name: OCTOPUS__K8STENTACLE__PODLABELSJSON
  value: {{ toJson . | quote }}
{{- end }}
{{- with $pods.calamariImageVolume }}
{{- if .enabled }}
- name: OCTOPUS__K8STENTACLE__CALAMARIIMAGEVOLUMEENABLED
  value: "true"
- name: OCTOPUS__K8STENTACLE__CALAMARIIMAGEVOLUMEREPOSITORY
  value: {{ .image.repository | quote }}
- name: OCTOPUS__K8STENTACLE__CALAMARIIMAGEVOLUMEPULLPOLICY
  value: {{ .image.pullPolicy | quote }}
{{- end }}
{{- end }}
- name: CUTTLE_HTTP_PORT
  value: {{ include "cuttle.text" .Values.cuttle.http.port | quote }}
{{- if .Values.cuttle.handOver }}
- name: CUTTLE_POD_UID
  valueFrom:
    fieldRef:
      fieldPath: metadata.uid
{{- end }}
{{- if .Values.cuttle.runnerLink.enabled }}
- name: CUTTLE_LINK_HOST
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
- name: CUTTLE_LINK_PORT
  value: {{ include "cuttle.text" .Values.cuttle.runnerLink.port | quote }}
{{- end }}
{{- range $name, $value := .Values.cuttle.tuning }}
- name: {{ $name }}
  value: {{ include "cuttle.text" $value | quote }}
{{- end }}
{{- end }}
