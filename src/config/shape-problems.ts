import type { core, ZodError } from "zod";
import { listed, type Problem } from "./problem.ts";

type Issue = core.$ZodIssue;

/** Zod's issues as problems with dotted paths. */
export function shapeProblems(error: ZodError): Problem[] {
  return error.issues.flatMap(problemsOf);
}

function problemsOf(issue: Issue): Problem[] {
  const path = dotted(issue.path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: dotted([...issue.path, key]),
        problem: `\`${key}\` is not a member here`,
        fix: "check its spelling, or remove it",
      }));
    case "invalid_type":
      return [wrongType(path, issue)];
    case "invalid_value":
      return [wrongValue(path, issue)];
    case "too_small":
      return [{ path, problem: tooSmall(issue), fix: `make it ${atLeast(issue)}` }];
    case "too_big":
      return [
        { path, problem: "it is too big", fix: `make it at most ${issue.maximum}${unit(issue)}` },
      ];
    case "invalid_format":
      return [wrongFormat(path, issue)];
    case "invalid_key":
      return [{ path, problem: "the name has characters it may not have", fix: NAME_FIX }];
    default:
      return [
        { path, problem: issue.message, fix: "see mesh.schema.json for what may stand here" },
      ];
  }
}

function wrongType(path: string, issue: Issue & { code: "invalid_type" }): Problem {
  const expected = issue.expected === "record" ? "object" : issue.expected;
  if (issue.input === undefined) {
    return { path, problem: "it is missing", fix: `add it (${expected})` };
  }
  const given = JSON.stringify(issue.input).slice(0, 40);
  return { path, problem: `${given} is not of type ${expected}`, fix: `write the ${expected}` };
}

function wrongValue(path: string, issue: Issue & { code: "invalid_value" }): Problem {
  const fix = `use one of ${listed(issue.values.map(String))}`;
  if (issue.input === undefined) return { path, problem: "it is missing", fix };
  return { path, problem: `${JSON.stringify(issue.input)} is not known here`, fix };
}

function wrongFormat(path: string, issue: Issue & { code: "invalid_format" }): Problem {
  const given = JSON.stringify(issue.input);
  if (issue.format === "url") {
    return {
      path,
      problem: `${given.replace(/\/\/[^/]*@/, "//…@")} is not an http or https URL`,
      fix: "write the engine's base URL, such as `http://127.0.0.1:9100/pool/0`",
    };
  }
  if (path.endsWith(".apiKeySecret")) {
    return {
      path,
      problem: "it is not the name of a secret",
      fix: "write a NAME_IN_CAPITALS, put the key itself in that secret, and revoke a key that stood here",
    };
  }
  return { path, problem: `${given} has characters it may not have`, fix: NAME_FIX };
}

function tooSmall(issue: Issue & { code: "too_small" }): string {
  return issue.origin === "array" && issue.minimum === 1 ? "it is empty" : "it is too small";
}

function atLeast(issue: Issue & { code: "too_small" }): string {
  const bound = `${issue.minimum}${unit(issue)}`;
  return issue.inclusive === false ? `more than ${bound}` : `at least ${bound}`;
}

function unit({ origin }: { readonly origin: string }): string {
  if (origin === "array") return " long";
  return origin === "string" ? " characters" : "";
}

function dotted(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "$" : path.map(String).join(".");
}

const NAME_FIX =
  "use lower-case letters, digits, `.` and `-`, starting with a letter or digit (models: also capitals, `_`, `:`, `/`)";
