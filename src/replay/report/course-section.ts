import { curve, linear, logarithmic, type Scale } from "./charts.ts";
import { html, type Html } from "./html.ts";
import { duration, figure, percent } from "./numbers.ts";
import { type FleetReport, isOurs, type Report } from "./report.ts";
import type { TimeCourse } from "./time-course.ts";

/** How each run went over time, small pictures on common scales. */
export function courseSection({ fleets }: Report): Html {
  return html`<section id="course">
    <h2>Time course <span class="simulated">simulated</span></h2>
    <p>
      The run with seed 1 of each policy, over virtual time. Scales are the same for all policies of
      a fleet; what waits and TTFT are logarithmic.
    </p>
    ${fleets.map(fleetPart)}
  </section>`;
}

/** What one row of pictures shows. */
type Panel = {
  readonly title: string;
  readonly values: (course: TimeCourse) => readonly number[];
  readonly scale: (values: readonly number[]) => Scale;
};

const PANELS: readonly Panel[] = [
  {
    title: "Busy share of the fleet",
    values: ({ busy }) => busy,
    scale: () => linear(1, percent),
  },
  {
    title: "Requests waiting for a first token",
    values: ({ waiting }) => waiting,
    scale: (values) => logarithmic(1, Math.max(...values), figure),
  },
  {
    title: "Mean TTFT by arrival",
    values: ({ ttftMs }) => ttftMs,
    scale: (values) => logarithmic(Math.max(1, Math.min(...values)), Math.max(...values), duration),
  },
];

function fleetPart({ name, courses }: FleetReport): Html {
  const all = [...courses.values()];
  const untilMs = Math.max(...all.map(({ busy, stepMs }) => busy.length * stepMs));
  const scaled = PANELS.map((panel) => ({
    ...panel,
    y: panel.scale(all.flatMap(panel.values).filter((value) => value > 0)),
  }));
  const rows = [...courses].map(
    ([policy, course]) =>
      html`<h4>${policy}</h4>
        <div class="panels">
          ${scaled.map(
            ({ title, values, y }) =>
              html`<figure>
                <figcaption>${title}</figcaption>
                ${curve({
                  label: `${title} under ${policy} on ${name}, simulated`,
                  values: values(course),
                  stepMs: course.stepMs,
                  untilMs,
                  y,
                  until: duration(untilMs),
                  isOurs: isOurs(policy),
                })}
              </figure>`,
          )}
        </div>`,
  );
  return html`<h3>${name}</h3>
    ${rows}`;
}
