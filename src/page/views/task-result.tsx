import type { ComponentChild } from "preact";
import type { Task } from "./use-task.ts";

interface TaskResultProps {
  readonly task: Task;
  readonly testId: string;
  readonly idle?: string;
}

export function TaskResult({ task, testId, idle = "" }: TaskResultProps): ComponentChild {
  const { doing, outcome } = task;
  const tone = doing !== null ? "doing" : outcome === null ? "idle" : outcome.ok ? "ok" : "failed";
  return (
    <p class={`task-result task-${tone}`} role="status" data-testid={testId}>
      {doing ?? outcome?.text ?? idle}
    </p>
  );
}
