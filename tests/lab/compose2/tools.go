//go:build tools

// Package tools pins the command that the lab builds.
package tools

import _ "github.com/docker/compose/v2/cmd"
