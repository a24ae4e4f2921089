"""``darkroom serve``: the HTTP service, with its jobs, on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from darkroom.cli.options import LogJson

if TYPE_CHECKING:
    from darkroom.server.studio import Studio

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; other than this machine needs a key.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Allow no outgoing connection at all.")] = False,
    log_json: LogJson = False,
) -> None:
    """Serve the page and the HTTP API until Ctrl-C."""
    import uvicorn

    from darkroom.errors import ServiceError
    from darkroom.server import logs
    from darkroom.server.app import create_app
    from darkroom.server.connections import impatient
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
        http=impatient(settings.server.upload_seconds),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        proxy_headers=False,
    )
    try:
        listening = config.bind_socket()
    except SystemExit as error:
        raise ServiceError(
            f"The service cannot listen on {config.host}:{config.port}.",
            cure="Another program listens there, perhaps another `darkroom serve`: end it, or give another --port.",
        ) from error
    with listening:
        _run(config, service.state.studio, listening)


def _run(config: Any, studio: Studio, listening: Any) -> None:
    """Run uvicorn's server until it is told to end; it says where it listens."""
    import uvicorn

    from darkroom.errors import ServiceError

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            # Whoever listens to events would keep the service from ending.
            studio.hang_up()
            super().handle_exit(sig, frame)

        async def startup(self, sockets: Any = None) -> None:
            # Here, and not only when the application is brought up: what is wrong is an error of the command then.
            studio.start()
            await super().startup(sockets)
            host, port = listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"Darkroom is at http://{shown}:{port}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)

    server = Server(config)
    server.run(sockets=[listening])
    if not server.started:
        raise ServiceError("The service did not start.", cure="The lines above say why.")
