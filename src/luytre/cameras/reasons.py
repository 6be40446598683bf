"""Why a stream does not record, or why a span was not recorded, in words people use.

Promises   each cause of `luytre.archive.keys.Cause` has, in each language, a reason (what happened) and a hint (what to do).
Does not   know codes of HTTP, nor sentences about a request: the doors keep those.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from luytre.archive.keys import Cause

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")


class Words(NamedTuple):
    """One sentence for what happened, one for what the reader can do."""

    reason: str
    hint: str


_VI: Mapping[Cause, Words] = {
    Cause.HOST_DOWN: Words(
        "Không tìm thấy camera trên mạng", "Kiểm tra nguồn điện, dây mạng và địa chỉ IP của camera."
    ),
    Cause.REFUSED: Words(
        "Camera không nhận kết nối", "Kiểm tra cổng trong địa chỉ và bật RTSP trong cài đặt của camera."
    ),
    Cause.TIMEOUT: Words(
        "Camera không trả lời", "Kiểm tra đường truyền; nếu vẫn vậy, tắt nguồn camera rồi bật lại."
    ),
    Cause.NOT_RTSP: Words(
        "Địa chỉ này không phải luồng RTSP", "Kiểm tra cổng trong địa chỉ; camera thường dùng cổng 554."
    ),
    Cause.AUTH_FAILED: Words(
        "Camera từ chối mật khẩu", "Nhập lại tên và mật khẩu của camera hoặc gọi nhà thầu."
    ),
    Cause.NOT_FOUND: Words(
        "Camera không có luồng hình ở địa chỉ này",
        "Kiểm tra phần đường dẫn sau cổng theo hướng dẫn của hãng camera.",
    ),
    Cause.NO_VIDEO: Words(
        "Luồng này không có hình", "Chọn luồng khác của camera hoặc bật hình trong cài đặt của camera."
    ),
    Cause.UNSUPPORTED_CODEC: Words(
        "Camera dùng kiểu nén hình chưa được hỗ trợ",
        "Đổi kiểu nén hình sang H.264 hoặc H.265 trong cài đặt của camera, hoặc viết convert+ trước địa chỉ rtsp://.",
    ),
    Cause.NO_PARAMETERS: Words(
        "Camera chưa gửi thông số hình",
        "Chờ một phút; nếu vẫn vậy, khởi động lại camera hoặc đổi kiểu nén hình sang H.264.",
    ),
    Cause.BAD_MEDIA: Words(
        "Dữ liệu hình từ camera bị hỏng",
        "Kiểm tra dây mạng; nếu vẫn vậy, cập nhật phần mềm của camera hoặc gọi nhà thầu.",
    ),
    Cause.STALLED: Words(
        "Camera vẫn nối nhưng ngừng gửi hình", "Hệ thống đang tự nối lại; nếu lặp lại, khởi động lại camera."
    ),
    Cause.CLOSED_BY_CAMERA: Words(
        "Camera ngắt kết nối",
        "Hệ thống đang tự nối lại; nếu lặp lại, kiểm tra số người cùng xem và nguồn điện của camera.",
    ),
    Cause.SERVER_ERROR: Words("Camera báo lỗi bên trong", "Khởi động lại camera; nếu vẫn vậy, gọi nhà thầu."),
    Cause.TLS_FAILED: Words(
        "Không lập được kết nối mã hóa với camera",
        "Kiểm tra cổng RTSPS (thường là 322) và bật mã hóa trong cài đặt của camera, hoặc dùng rtsp:// thay cho rtsps://.",
    ),
    Cause.CERTIFICATE_CHANGED: Words(
        "Chứng thư của camera khác với lần đầu kết nối",
        "Nếu vừa thay hoặc cài lại camera, hãy bấm “Tin chứng thư mới”; nếu không, có thể ai đó đang chen vào đường truyền.",
    ),
    Cause.CONVERTER_FAILED: Words(
        "Bộ chuyển đổi không đọc được nguồn hình này",
        "Thử mở địa chỉ bằng VLC; nếu được mà vẫn lỗi, khởi động lại máy chủ.",
    ),
    Cause.CONVERTER_BUSY: Words(
        "Máy chủ đã đủ số nguồn phải nén lại",
        "Đổi camera này sang H.264 hoặc H.265, hoặc tắt bớt nguồn phải nén lại.",
    ),
    Cause.TIMESTAMP_JUMP: Words(
        "Đồng hồ hình của camera nhảy",
        "Hệ thống tự nối lại; nếu lặp lại, đặt máy chủ thời gian (NTP) cho camera.",
    ),
    Cause.PARAMETERS_CHANGED: Words(
        "Thông số hình của camera thay đổi", "Không cần làm gì: hệ thống ghi tiếp với thông số mới."
    ),
    Cause.DISK_SLOW: Words("Ổ đĩa ghi không kịp", "Kiểm tra ổ đĩa và bớt việc khác đang dùng ổ này."),
    Cause.DISK_FULL: Words("Ổ đĩa đầy", "Thêm ổ đĩa hoặc giảm số ngày lưu; hệ thống tự ghi lại khi có chỗ."),
    Cause.DISK_ERROR: Words(
        "Ổ đĩa bị lỗi", "Kiểm tra dây và ổ đĩa; chạy `luytre check` để biết phần hình nào bị mất."
    ),
    Cause.NODE_STOPPED: Words("Hệ thống được tắt", "Không cần làm gì: hệ thống ghi lại khi được bật."),
    Cause.NODE_CRASHED: Words("Máy chủ tắt đột ngột", "Kiểm tra nguồn điện và bộ lưu điện của máy chủ."),
    Cause.CAMERA_DISABLED: Words(
        "Camera đang được tạm dừng", "Bật lại camera trong trang Camera khi cần ghi hình."
    ),
    Cause.CONNECTING: Words("Đang kết nối với camera", "Chờ vài giây."),
    Cause.DISK_MISSING: Words(
        "Ổ đĩa không còn ở chỗ của nó", "Kiểm tra dây và nguồn của ổ đĩa; hệ thống tự ghi lại khi ổ trở về."
    ),
    Cause.DISK_READ_ONLY: Words(
        "Ổ đĩa chỉ cho đọc", "Sao lưu ổ này rồi thay ổ mới: thường là dấu hiệu ổ sắp hỏng."
    ),
    Cause.CLOCK_STEPPED: Words(
        "Đồng hồ máy chủ được chỉnh", "Không mất hình; nếu lặp lại, kiểm tra máy chủ thời gian (NTP)."
    ),
    Cause.NO_MOTION: Words(
        "Không có chuyển động", "Không cần làm gì: camera này chỉ lưu khi có chuyển động."
    ),
    Cause.NOT_SCHEDULED: Words("Ngoài giờ ghi hình", "Đổi lịch ghi của camera nếu cần ghi vào giờ này."),
    Cause.ELSEWHERE: Words("Hình nằm ở ổ đĩa khác", "Không cần làm gì: xem lại như thường."),
    Cause.FILE_LOST: Words("Tệp hình bị mất", "Chạy `luytre check --repair` và kiểm tra ổ đĩa."),
    Cause.UNKNOWN: Words("Không còn ghi chép về lý do", "Xem nhật ký máy chủ của khoảng thời gian này."),
}

_EN: Mapping[Cause, Words] = {
    Cause.HOST_DOWN: Words(
        "The camera is not on the network", "Check its power, its cable and its IP address."
    ),
    Cause.REFUSED: Words(
        "The camera accepts no connection", "Check the port, and switch RTSP on in the camera's settings."
    ),
    Cause.TIMEOUT: Words(
        "The camera does not answer", "Check the line; if that does not help, turn the camera off and on."
    ),
    Cause.NOT_RTSP: Words("There is no RTSP at this address", "Check the port; most cameras use 554."),
    Cause.AUTH_FAILED: Words(
        "The camera refuses the password", "Enter its user and password again, or call the contractor."
    ),
    Cause.NOT_FOUND: Words(
        "The camera has no stream at this address", "Check the path against the maker's instructions."
    ),
    Cause.NO_VIDEO: Words(
        "The stream has no picture", "Choose another stream, or switch video on in the camera's settings."
    ),
    Cause.UNSUPPORTED_CODEC: Words(
        "The camera's video codec is not supported",
        "Set the camera to H.264 or H.265 in its settings, or put convert+ in front of the rtsp:// address.",
    ),
    Cause.NO_PARAMETERS: Words(
        "The camera has not sent its picture parameters",
        "Wait a minute; if that does not help, restart the camera or set it to H.264.",
    ),
    Cause.BAD_MEDIA: Words(
        "The picture data from the camera is damaged",
        "Check the cable; if that does not help, update the camera's firmware or call the contractor.",
    ),
    Cause.STALLED: Words(
        "The camera is connected but sends no picture",
        "It is being reconnected; if this repeats, restart the camera.",
    ),
    Cause.CLOSED_BY_CAMERA: Words(
        "The camera closed the connection",
        "It is being reconnected; if this repeats, check its power and how many others are watching it.",
    ),
    Cause.SERVER_ERROR: Words(
        "The camera reports an internal error", "Restart it; if that does not help, call the contractor."
    ),
    Cause.TLS_FAILED: Words(
        "No encrypted connection to the camera",
        "Check the RTSPS port (mostly 322) and that encryption is on in the camera's pages, or use rtsp:// instead of rtsps://.",
    ),
    Cause.CERTIFICATE_CHANGED: Words(
        "The camera's certificate is not the one it had at first",
        "If the camera was exchanged or reset, press “Trust the new certificate”; if not, somebody may be in the line.",
    ),
    Cause.CONVERTER_FAILED: Words(
        "The converter cannot read this source",
        "Try the address in VLC; if it plays there, restart the node.",
    ),
    Cause.CONVERTER_BUSY: Words(
        "The node encodes as many sources as it may",
        "Set this camera to H.264 or H.265, or switch off another source that must be encoded.",
    ),
    Cause.TIMESTAMP_JUMP: Words(
        "The camera's picture clock jumped",
        "It is being reconnected; if this repeats, give the camera a time server (NTP).",
    ),
    Cause.PARAMETERS_CHANGED: Words(
        "The camera's picture parameters changed", "Nothing to do: recording goes on with the new ones."
    ),
    Cause.DISK_SLOW: Words("The disk could not keep up", "Check the disk, and what else is using it."),
    Cause.DISK_FULL: Words(
        "The disk is full", "Add a disk or keep fewer days; recording resumes when there is room."
    ),
    Cause.DISK_ERROR: Words(
        "The disk has an error", "Check the disk and its cable; `luytre check` tells what was lost."
    ),
    Cause.NODE_STOPPED: Words(
        "The node was switched off", "Nothing to do: it records again when it is switched on."
    ),
    Cause.NODE_CRASHED: Words(
        "The node stopped suddenly", "Check the power of the node and its battery backup."
    ),
    Cause.CAMERA_DISABLED: Words(
        "The camera is paused", "Enable it on the Cameras page when it should record."
    ),
    Cause.CONNECTING: Words("Connecting to the camera", "Wait a few seconds."),
    Cause.DISK_MISSING: Words(
        "The disk is not in its place", "Check its cable and power; recording resumes when it is back."
    ),
    Cause.DISK_READ_ONLY: Words(
        "The disk can only be read", "Back it up and replace it: often a sign that it is about to fail."
    ),
    Cause.CLOCK_STEPPED: Words(
        "The node's clock was set", "No picture is missing; if this repeats, check its time server (NTP)."
    ),
    Cause.NO_MOTION: Words("Nothing moved", "Nothing to do: this camera keeps only what moves."),
    Cause.NOT_SCHEDULED: Words(
        "Outside the recording hours", "Change the camera's schedule if this time should be recorded."
    ),
    Cause.ELSEWHERE: Words("Recorded on another disk", "Nothing to do: it plays as usual."),
    Cause.FILE_LOST: Words("A video file is missing", "Run `luytre check --repair`, and check the disk."),
    Cause.UNKNOWN: Words("No record of the reason is left", "Look at the node's log of that time."),
}

# Not why a stream does not record, and yet something to say of a camera.
WEAK_PASSWORD: Mapping[Language, Words] = {
    "vi": Words(
        "Camera dùng mật khẩu mặc định hoặc quá dễ đoán",
        "Đổi mật khẩu mặc định của camera rồi nhập mật khẩu mới ở đây.",
    ),
    "en": Words(
        "The camera has a default password, or one that is easily guessed",
        "Change the camera's password in its own pages, then enter the new one here.",
    ),
}

REASONS: Mapping[Language, Mapping[Cause, Words]] = {"vi": _VI, "en": _EN}


def words(cause: str, language: Language) -> Words | None:
    """The words for a cause; None for one that is not a stream's."""
    try:
        return REASONS[language][Cause(cause)]
    except ValueError:
        return None
