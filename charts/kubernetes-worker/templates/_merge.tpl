{{/* Adds a user's keys to an object of ours: lists are appended, maps merged, the
     rest is replaced. Input: dict "base" "extra"; output: YAML. */}}
{{- define "cuttle.merge" -}}
{{- $result := deepCopy .base -}}
{{- range $key, $value := .extra -}}
{{- $own := get $result $key -}}
{{- if and (kindIs "slice" $value) (kindIs "slice" $own) -}}
{{- $_ := set $result $key (concat $own $value) -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $own) -}}
{{- $_ := set $result $key (mergeOverwrite (deepCopy $own) $value) -}}
{{- else -}}
{{- $_ := set $result $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $result -}}
{{- end }}

{{/* RBAC rules that a user gave, or nothing. Input: dict "path" "rules". */}}
{{- define "cuttle.rules" -}}
{{- if and (not (kindIs "invalid" .rules)) (not (kindIs "slice" .rules)) -}}
{{- fail (printf "%s must be a list of RBAC rule objects" .path) -}}
{{- end -}}
{{- if .rules }}{{ toYaml .rules }}{{ end -}}
{{- end }}

{{/* A value as text. Numbers of a values file are floating-point ones, and large
     ones would come out as 2.68435456e+08. */}}
{{- define "cuttle.text" -}}
{{- if and (kindIs "float64" .) (eq (float64 (int64 .)) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}
