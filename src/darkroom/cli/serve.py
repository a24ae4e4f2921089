"""``darkroom serve``: the HTTP service, with its jobs, on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from darkroom.server.studio import Studio

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; other than this machine needs a key.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Allow no outgoing connection at all.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Write the log as JSON also in a terminal.")] = False,
) -> None:
    """Serve the page and the HTTP API until Ctrl-C."""
    import uvicorn

    from darkroom.server import logs
    from darkroom.server.app import create_app
    from darkroom.settings import load_settings

    settings = load_settings({"server.host": host, "server.port": port, "offline": offline or None})
    logs.configure(json=True if log_json else None)
    service = create_app(settings)
    # What is wrong with the settings is said as an error of the command, before anything is started.
    service.state.studio.prepare()
    config = uvicorn.Config(
        service,
        host=settings.server.host,
        port=settings.server.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        proxy_headers=False,
    )
    _Server(config, service.state.studio).run()


class _Server:
    """uvicorn's server, which says where it listens, and whose failure to start is ours."""

    def __init__(self, config: Any, studio: Studio) -> None:
        import uvicorn

        class Server(uvicorn.Server):
            def handle_exit(self, sig: int, frame: Any) -> None:
                # Whoever listens to events would keep the service from ending.
                studio.hang_up()
                super().handle_exit(sig, frame)

            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets)
                for server in self.servers:
                    for socket in server.sockets:
                        host, port = socket.getsockname()[:2]
                        shown = f"[{host}]" if ":" in host else host
                        print(f"Darkroom is at http://{shown}:{port}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)

        self._server = Server(config)

    def run(self) -> None:
        self._server.run()
        if not self._server.started:
            from darkroom.errors import ServiceError

            raise ServiceError("The service did not start.", cure="The lines above say why.")
