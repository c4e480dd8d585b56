"""/v1/files: what questions are over."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from rlm_local.serve.access import Asker, Member, service
from rlm_local.serve.erasure import Removed
from rlm_local.serve.files import FileStore, StoredFile
from rlm_local.serve.shapes import ERRORS

_PIECE = 1 << 18

router = APIRouter(tags=["openai"], responses=ERRORS)


class FileObject(BaseModel):
    """An uploaded file."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"


class FileList(BaseModel):
    object: Literal["list"] = "list"
    data: list[FileObject]
    has_more: bool = False


class FileDeleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: bool = True
    removed: Removed


@router.post("/v1/files")
async def upload_file(
    request: Request,
    caller: Asker,
    file: Annotated[UploadFile, File(description="The file; its name may be a path, as documents in folders have.")],
    purpose: Annotated[str, Form(max_length=64)] = "user_data",
) -> FileObject:
    """Keeps a file. The same bytes under the same name are the file that is there already."""
    use = service(request)
    return _object(await use.slow.run(use.upload, caller, file.filename or "", file.file, purpose))


@router.get("/v1/files")
def list_files(
    request: Request, caller: Member, purpose: Annotated[str | None, Field(max_length=64)] = None
) -> FileList:
    """The caller's files, the latest first."""
    files = service(request).files.list(caller.sees)
    return FileList(data=[_object(file) for file in files if purpose in (None, file.purpose)])


@router.get("/v1/files/{file_id}")
def get_file(request: Request, caller: Member, file_id: str) -> FileObject:
    """One of them."""
    return _object(service(request).files.get(caller.sees, file_id))


@router.get("/v1/files/{file_id}/content", response_class=StreamingResponse)
def get_file_content(request: Request, caller: Member, file_id: str) -> StreamingResponse:
    """Its bytes, to be saved, never shown."""
    use = service(request)
    file = use.files.get(caller.sees, file_id)
    use.audit.record(caller.name, "download", file=file.id)
    name = quote(file.name.rpartition("/")[2], safe="")
    headers = {"content-length": str(file.size), "content-disposition": f"attachment; filename*=utf-8''{name}"}
    return StreamingResponse(_pieces(use.files, file), media_type="application/octet-stream", headers=headers)


@router.delete("/v1/files/{file_id}")
async def delete_file(
    request: Request,
    caller: Asker,
    file_id: str,
    keep_runs: Annotated[bool, Query(description="Whether the runs over it stay, with what they quote of it.")] = False,
) -> FileDeleted:
    """Deletes a file with all that was derived from it, and with the runs over it, unless they are kept: their evidence
    cannot be opened any more then. While such a run is under way, nothing is deleted."""
    use = service(request)
    file = await asyncio.to_thread(use.files.get, caller.sees, file_id)
    return FileDeleted(id=file.id, removed=await use.delete_file(caller, file, keep_runs=keep_runs))


def _pieces(files: FileStore, file: StoredFile) -> Iterator[bytes]:
    """Opened once they are wanted: a client may be gone before."""
    with files.open(file) as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _object(file: StoredFile) -> FileObject:
    return FileObject(id=file.id, bytes=file.size, created_at=int(file.made), filename=file.name, purpose=file.purpose)
