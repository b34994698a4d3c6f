import * as vscode from "vscode";
import type { Status } from "./protocol";

const PROBLEMS = { failed: "offline", over_budget: "over budget", private: "private" } as const;

/** What rung does now; a click opens the menu. */
export class StatusBar {
  private readonly item = vscode.window.createStatusBarItem("rung.status", vscode.StatusBarAlignment.Right, 100);
  last: Status | undefined;

  constructor() {
    this.item.name = "rung";
    this.item.command = "rung.menu";
    this.without("starts");
    this.item.show();
  }

  /** Without a server. */
  without(why: string): void {
    this.last = undefined;
    this.item.accessibilityInformation = { label: `rung ${why}` };
    this.item.text = `$(circle-slash) rung ${why}`;
    this.item.tooltip = undefined;
    this.item.backgroundColor = undefined;
  }

  show(status: Status): void {
    this.last = status;
    const parts = [`${icon(status)} ${label(status)}`];
    if (status.problem !== null) {
      parts.push(PROBLEMS[status.problem]);
    }
    if (status.usdToday) {
      parts.push(dollars(status.usdToday));
    }
    this.item.text = parts.join(" · ");
    this.item.tooltip = tooltip(status);
    this.item.accessibilityInformation = { label: label(status) };
    const warns = status.problem === "failed" || status.problem === "over_budget";
    this.item.backgroundColor = warns ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
  }

  dispose(): void {
    this.item.dispose();
  }
}

function icon(status: Status): string {
  const icons = {
    ready: "$(check)",
    busy: "$(loading~spin)",
    climbing: "$(arrow-up)",
    paused: "$(debug-pause)",
    disabled: "$(circle-slash)",
  };
  return icons[status.state] ?? "";
}

function label(status: Status): string {
  if (status.state === "paused" || status.state === "disabled") {
    return `rung ${status.state}`;
  }
  return status.rung ? `rung: ${status.rung}` : "rung";
}

function tooltip(status: Status): vscode.MarkdownString {
  const shown = new vscode.MarkdownString();
  const says = {
    ready: status.rung ? `${status.rung} answered last` : "ready",
    busy: `${status.rung} writes`,
    climbing: `asking ${status.rung}`,
    paused: "paused: nothing is completed by itself",
    disabled: "switched off by the configuration",
  };
  const lines = [`rung: ${says[status.state]}`];
  if (status.reason) {
    lines.push(status.reason);
  }
  if (status.usdToday !== null) {
    const limit = status.usdPerDay === null ? "" : ` of ${dollars(status.usdPerDay)}`;
    lines.push(`${dollars(status.usdToday)}${limit} spent today`);
  }
  lines.push(status.project ?? "not in a project");
  shown.appendText(lines.join("\n\n"));
  return shown;
}

/** Cents, or two significant digits below: single completions cost millionths. */
function dollars(usd: number): string {
  return `$${usd >= 0.01 || usd === 0 ? usd.toFixed(2) : usd.toPrecision(2)}`;
}
