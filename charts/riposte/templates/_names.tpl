{{- define "riposte.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Prefix of the names of objects; short enough for what is appended. */}}
{{- define "riposte.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "riposte.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "riposte.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "riposte.account" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "riposte.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "riposte.selector" -}}
app.kubernetes.io/name: {{ include "riposte.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "riposte.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "riposte.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: riposte
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "riposte.image" -}}
{{- $name := .Values.image.repository }}
{{- with .Values.image.registry }}{{ $name = printf "%s/%s" . $name }}{{ end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $name .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* The subject of every binding of the operator. */}}
{{- define "riposte.subjects" -}}
- kind: ServiceAccount
  name: {{ include "riposte.account" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* The file that maps ARM ids of workspaces to namespaces. */}}
{{- define "riposte.workspaces" -}}
workspaces: {{ toJson .Values.workspaces }}
{{- with .Values.defaultWorkspace }}
defaultNamespace: {{ . }}
{{- end }}
{{- end }}
