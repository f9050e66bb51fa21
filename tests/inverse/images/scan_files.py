"""Small files of every format, as practitioners bring them."""

import numpy as np


def numbers(kind, shape=(2, 12, 10), low=100, high=3000, seed=0):
    """Smooth pages of whole levels between low and high."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(low, high, (*shape[:-2], 3, 3))
    rows, columns = (np.linspace(0, 2, n).round().astype(int) for n in shape[-2:])
    return coarse[..., rows[:, None], columns].round().astype(kind)


def tiff(path, pixels, **options):
    import tifffile

    usual = {"resolution": (5000, 2500), "resolutionunit": "CENTIMETER"}
    options = usual | {"photometric": "minisblack"} | options
    tifffile.imwrite(path, pixels, description="stained, 40x", **options)
    return path


def fits(path, pixels, **cards):
    from astropy.io import fits as library

    part = library.PrimaryHDU(pixels)
    known = {"OBJECT": "M31", "BUNIT": "adu", "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}
    known |= {"CRVAL1": 10.7, "CRVAL2": 41.3, "CRPIX1": 5.5, "CRPIX2": 6.5, "CDELT1": -0.1}
    for key, value in (known | {"CDELT2": 0.1} | cards).items():
        part.header[key] = value
    quality = library.ImageHDU(np.zeros((4, 4), np.uint8), name="DQ")
    library.HDUList([part, quality]).writeto(path)
    return path


def nifti(path, pixels, slope=None, **header):
    import nibabel

    affine = np.array([[-2, 0, 0, 32], [0, 2.1, 0, -40], [0, 0.1, 3, -16], [0, 0, 0, 1.0]])
    image = nibabel.Nifti1Image(pixels.T, affine)
    for key, value in header.items():
        image.header[key] = value
    if slope is not None:
        image.header.set_slope_inter(*slope)
    nibabel.save(image, path)
    return path


def dicom(path, pixels, bits=12, **tags):
    from pydicom import Dataset, FileMetaDataset, dcmwrite
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.ImageType, data.PatientID = ["ORIGINAL", "PRIMARY", "AXIAL"], "nobody"
    data.Rows, data.Columns = pixels.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = 8 * pixels.dtype.itemsize
    data.BitsStored, data.HighBit = bits, bits - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelSpacing, data.ImageOrientationPatient = [0.7, 0.6], [1, 0, 0, 0, 1, 0]
    data.ImagePositionPatient = [-20, -30, 40]
    data.RescaleSlope, data.RescaleIntercept, data.RescaleType = 1, -1024, "HU"
    for key, value in tags.items():
        setattr(data, key, value)
    data.PixelData = pixels.tobytes()
    dcmwrite(path, data, enforce_file_format=True)
    return path
