import * as vscode from "vscode";
import { commandsOf } from "./commands";
import { Explanation } from "./explain";
import { findServer } from "./find";
import { install, installedProgram, refuseInstall } from "./install";
import { Offers } from "./offers";
import { Report } from "./report";
import { Server } from "./server";
import { StatusBar } from "./statusBar";

const INSTALL = "Install";
const SET_PATH = "Set the Path";
const LOG = "Show Log";

/** The extension in one window: a server at most, and the commands. */
export class Session {
  readonly log = vscode.window.createOutputChannel("rung", { log: true });
  readonly statusBar = new StatusBar();
  readonly explanation = new Explanation();
  readonly report = new Report();
  readonly offers = new Offers((id, outcome) => this.server?.tellOutcome(id, outcome));
  server: Server | undefined;
  /** The last that was found. */
  program: string | undefined;
  private starting: Promise<void> = Promise.resolve();
  private installing: Promise<void> | undefined;
  private offering = false;

  constructor(private readonly context: vscode.ExtensionContext) {
    for (const [name, run] of Object.entries(commandsOf(this))) {
      context.subscriptions.push(vscode.commands.registerCommand(`rung.${name}`, () => this.guarded(run)));
    }
    context.subscriptions.push(
      this.log,
      this.statusBar,
      this.explanation.register(),
      vscode.workspace.onDidCloseTextDocument((document) => this.offers.closed(document)),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.start({ unlessSame: true })),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("rung")) {
          void this.start();
        }
      }),
    );
  }

  /** Start the server, anew if there is one. Never rejects: the user is told what went wrong. */
  start({ unlessSame = false, offer = true } = {}): Promise<void> {
    this.starting = this.starting.then(() => this.startOnce(unlessSame, offer));
    return this.starting;
  }

  async stop(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    await server?.stop();
  }

  async install(): Promise<void> {
    this.installing ??= this.installOnce();
    try {
      await this.installing;
    } finally {
      this.installing = undefined;
      await this.start({ unlessSame: true, offer: false }); // also where it failed: another one may be there
    }
  }

  /** The server, if it runs. Throws where it does not. */
  running(): Server {
    if (!this.server?.running) {
      throw new Error("rung does not run here; its log says why.");
    }
    return this.server;
  }

  private async startOnce(unlessSame: boolean, offer: boolean): Promise<void> {
    if (this.installing) {
      return; // it starts the server at its end
    }
    try {
      const program = await findServer(await installedProgram(this.context));
      if (unlessSame && program === this.program && this.server?.running) {
        return;
      }
      await this.stop();
      this.program = program;
      if (program === undefined) {
        this.statusBar.without("is not installed");
        if (offer) {
          void this.offerInstall();
        }
        return;
      }
      this.log.info(`the server: ${program}`);
      this.server = new Server(program, this.offers, this.log, this.statusBar, (error) => void this.failed(error));
      await this.server.start();
    } catch (error) {
      await this.stop();
      this.statusBar.without("has failed");
      void this.failed(error);
    }
  }

  private async installOnce(): Promise<void> {
    await refuseInstall(this.context); // before anything that works is stopped
    await this.stop();
    this.statusBar.without("is being installed");
    await install(this.context, this.log);
  }

  /** One message at a time. */
  private async offerInstall(): Promise<void> {
    if (this.offering) {
      return;
    }
    this.offering = true;
    const chosen = await vscode.window.showWarningMessage(
      "rung is not installed here: neither in this workspace's environment nor on PATH.",
      INSTALL,
      SET_PATH,
    );
    this.offering = false;
    if (chosen === INSTALL) {
      await this.guarded(() => this.install());
    } else if (chosen === SET_PATH) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "rung.path");
    }
  }

  private async guarded(run: () => Promise<void> | void): Promise<void> {
    try {
      await run();
    } catch (error) {
      void this.failed(error);
    }
  }

  private async failed(error: unknown): Promise<void> {
    const sentence = error instanceof Error ? error.message : String(error);
    this.log.error(sentence);
    if ((await vscode.window.showErrorMessage(`rung: ${sentence}`, LOG)) === LOG) {
      this.log.show();
    }
  }
}
