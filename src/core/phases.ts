import type { Phase, Pool, Role } from "./fleet.ts";

/** The phases that a pool's engines run; none where they only encode. */
export function phasesOf({ roles }: Pick<Pool, "roles">): Phase[] {
  return roles.filter(isPhase);
}

function isPhase(role: Role): role is Phase {
  return role !== "encode";
}
